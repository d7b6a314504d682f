import SlipwayModel

/// Runs the programs that write keys. Their output is a secret.
package struct CredentialPrograms: Sendable {
  /// Blocks until the program has ended, for a bounded time. The words are its argument vector, the first one a path or
  /// a name to look for in PATH; no shell is between.
  package let output: @Sendable (_ words: [String], _ environment: [String: String]) throws(Problem) -> [UInt8]

  package init(
    _ output: @escaping @Sendable (_ words: [String], _ environment: [String: String]) throws(Problem) -> [UInt8]
  ) {
    self.output = output
  }

  /// Those of this machine.
  package static let local = local(limit: .seconds(60))

  /// With another limit of time.
  package static func local(limit: Duration) -> CredentialPrograms {
    CredentialPrograms { words, environment throws(Problem) in
      var program = try ChildProgram(words, environment)
      defer { program.end() }
      return try program.output(until: .now + limit, limit)
    }
  }

  /// In bytes.
  package static let outputLimit = JSONValue.sizeLimit

  /// Why there is no output, in words that follow the program's name.
  package struct Problem: Error, Hashable {
    let code: String
    let cause: String
  }

  /// The same without blocking the caller's thread, which belongs to everybody.
  func run(_ words: [String], _ environment: [String: String]) async throws(Problem) -> [UInt8] {
    let output = output
    return try await onOwnThread { () -> Result<[UInt8], Problem> in
      do throws(Problem) {
        return .success(try output(words, environment))
      } catch {
        return .failure(error)
      }
    }.get()
  }
}
