/// One sentence of a port's contract, to be checked on every implementation of it.
///
///     @Test(arguments: ledgerConformance)
///     func keepsTheContract(_ check: Conformance<any Ledger>) async throws {
///       try await check.run(InMemoryLedger())
///     }
package struct Conformance<Subject: Sendable>: Sendable, CustomStringConvertible {
  package let description: String
  /// For a new subject each time.
  package let run: @Sendable (Subject) async throws -> Void

  init(_ description: String, _ run: @escaping @Sendable (Subject) async throws -> Void) {
    self.description = description
    self.run = run
  }
}
