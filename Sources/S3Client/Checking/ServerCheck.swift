import HTTPTransport
import SlipwayModel

/// Talks to the server of a destination, and tells what it can do and which settings fit. Stores small objects under a
/// name of its own below the destination's prefix, and removes them. Credentials that may only upload are enough: what
/// they lack is told.
package struct ServerCheck: Sendable {
  let settings: S3Destination
  private let environment: [String: String]
  private let transport: any HTTPSender
  private let patterns: any PatternCompiler
  let now: @Sendable () -> Timestamp
  let key: ObjectKey

  /// Where the probe object lies: no other object is touched.
  package init(
    _ settings: S3Destination, prefix: [UInt8], name: String, environment: [String: String],
    transport: any HTTPSender, patterns: any PatternCompiler, now: @escaping @Sendable () -> Timestamp
  ) {
    self.settings = settings
    self.environment = environment
    self.transport = transport
    self.patterns = patterns
    self.now = now
    key = joinedKey(prefix, Array(".slipway-check-\(name)".utf8))
  }

  /// Calls `tell` for each thing in turn, and ends where nothing more can be asked. Any task.
  package func run(_ tell: (CheckFinding) -> Void) async {
    do throws(Failure) {
      let client = try client()
      tell(place(of: client))
      for finding in await identity(of: client) { tell(finding) }
      do throws(S3Error) {
        try await store(client, tell)
      } catch {
        throw error.failure
      }
      if let finding = await looking(client) { tell(finding) }
      for finding in await [checksums(), conditions()] + parts() + [tags(), clock()] { tell(finding) }
      tell(await deleting(client))
    } catch {
      tell(CheckFinding(.failed, error.operation, error.cause, remedy: error.remedy))
    }
  }

  /// Returns once the probe object is there.
  private func store(_ client: S3Client, _ tell: (CheckFinding) -> Void) async throws(S3Error) {
    let bucket = try await bucket(client)
    if let bucket { tell(bucket) }
    do throws(S3Error) {
      tell(try await storing(client))
    } catch {
      // A refusal has no effect; anything else may have had one.
      if !(400..<500).contains(error.status) { tell(await deleting(client)) }
      throw error
    }
    // Not earlier: wrong keys may not look at the bucket either, and then that is what must be said.
    if bucket == nil { tell(hiddenBucket) }
  }

  /// The contents of the probe object.
  static let content = Array("slipway check\n".utf8)

  /// A client with other settings; few tries, since somebody waits.
  private func client(_ change: (inout S3Destination) -> Void = { _ in }) throws(Failure) -> S3Client {
    var changed = settings
    changed.overwrite = .always
    change(&changed)
    return try S3Client(
      changed, environment: environment, transport: transport, now: now, retry: RequestRetry(tries: 2),
      patterns: patterns)
  }

  /// Whether it goes well with these settings; otherwise the error.
  func attempt(
    _ change: (inout S3Destination) -> Void = { _ in }, _ body: (S3Client) async throws(S3Error) -> Void
  ) async -> S3Error? {
    do throws(S3Error) {
      let client: S3Client
      do throws(Failure) { client = try self.client(change) } catch { throw S3Error(error) }
      try await body(client)
      return nil
    } catch {
      return error
    }
  }

  /// For what an error leaves open; advice to change settings would be wrong.
  func open(_ subject: String, _ error: S3Error) -> CheckFinding {
    CheckFinding(
      .note, subject, "could not be tried: \(error.failure.cause)",
      remedy: error.isPassing ? Self.again : error.failure.remedy)
  }

  static let again = "run slipway check again"
}

extension S3Error {
  /// Whether another try may end otherwise: there was no answer, or the server was too busy for one. A success that
  /// proves too little is an answer.
  var isPassing: Bool {
    guard case .transient = kind else { return false }
    return !(200..<500).contains(status) || status == 408 || status == 429 || code == "RequestTimeout"
  }

  var isForbidden: Bool { status == 403 }
}
