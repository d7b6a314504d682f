import Glibc
import Logging
import SlipwayModel

/// A destination that is a program: it is asked by lines of JSON, and answers by lines of JSON.
///
/// The program is given a path under `/proc` that leads to the file we have open, so that no name can be put in the way
/// meanwhile. What it answers of a put is a proof only where it tells the checksum of what it holds: that is compared with
/// the one that we have computed before. A put may be asked again; a plugin answers once the object is durable.
package final class PluginStore: ObjectStore {
  let connection: PluginConnection
  private let plan: PluginLoop.Plan
  let buffers = CopyBuffers()
  /// The longest key, in bytes, as at S3.
  static let keyLimit = 1024

  /// Starts nothing. `environment` is Slipway's own; `grace` is from TERM to KILL.
  package convenience init(
    _ settings: PluginDestination, called name: DestinationName, environment: [String: [UInt8]], grace: Duration,
    logger: Logger
  ) {
    self.init(settings, called: name, environment: environment, grace: grace, pace: PluginPace(), logger: logger)
  }

  init(
    _ settings: PluginDestination, called name: DestinationName, environment: [String: [UInt8]], grace: Duration,
    pace: PluginPace, logger: Logger
  ) {
    plan = PluginLoop.Plan(
      destination: name, settings: settings, command: PluginCommand(settings, own: environment), logger: logger,
      grace: grace, pace: pace)
    connection = PluginConnection(plan)
  }

  nonisolated(nonsending) package func put(
    _ file: any OpenFile, at key: ObjectKey, _ context: PutContext
  ) async throws(Failure) -> PutReceipt {
    try check(key, .put)
    let size = file.fingerprint.size
    let sum = try buffers.withBuffer { buffer throws(Failure) in
      try ContentSum(of: file.descriptor, upTo: size, "upload", key.description, buffer)
    }
    guard sum.count == size else { throw changed(key) }
    let held = try HeldDescriptor(duplicating: file.descriptor, "upload", key.description)
    let request = PluginRequest.put(held, at: key, size: size, sum: sum.sum, context.attributes)
    let answer = try await connection.ask(request)
    // The plugin may have read what came after the planned content.
    guard try file.currentFingerprint() == file.fingerprint else { throw changed(key) }
    let proof = try proof(of: answer, request, sum: sum.sum)
    context.progress.sent(size)
    return PutReceipt(size: size, etag: answer.etag, checksum: proof)
  }

  /// Nothing is sent in parts that we know of.
  package func abandon(_ upload: MultipartUpload) async throws(Failure) {}

  package func abandon(
    _ upload: UnansweredUpload, unless isInUse: @Sendable () async throws(Failure) -> Bool
  ) async throws(Failure) {}

  /// A plugin answers a put when the object is durable.
  package func settle(_ runs: [RunID]) async throws(Failure) {}

  package func url(of key: ObjectKey) -> String { "plugin://\(plan.destination)/\(percentEncoded(key))" }

  /// Starts the program, unless it runs, and returns what it says of itself.
  package func greet() async throws(Failure) -> (operations: [String], provesContent: Bool) {
    _ = try await connection.ask(PluginRequest.hello(plan.destination))
    let greeting = connection.greeting
    return ((greeting?.operations ?? []).map(\.rawValue).sorted(), greeting?.provesContent == true)
  }

  func offers(_ operation: PluginOperation) async throws(Failure) -> Bool {
    if connection.greeting == nil { _ = try await greet() }
    return connection.greeting?.operations.contains(operation) == true
  }

  /// Has the program ended; nobody waits for it here.
  package func beginClosing() { connection.beginClosing() }

  /// Ends the program and waits until nothing of it is left. May be called twice. Blocks.
  package func close() { connection.close() }

  /// Kills the program and its group, and waits for nothing.
  package func kill() { connection.kill() }

  /// What a put's answer proves; nil if nothing, where nothing is asked for.
  func proof(of answer: PluginAnswer, _ request: PluginRequest, sum: [UInt8]) throws(Failure) -> Checksum? {
    let subject = connection.subject(request)
    guard let told = answer.sum else {
      if !plan.settings.provesContent { return nil }
      throw Failure(
        .permanent, request.operation.verb, subject, code: "NoProof",
        cause: "the plugin answered without the sha256 that 'proves: true' promises")
    }
    guard told == sum else {
      throw Failure(
        .transient(retryAfter: nil), request.operation.verb, subject, code: "BadDigest",
        cause: "the plugin holds other bytes than it was given: their sha256 is another one")
    }
    return Checksum(algorithm: .sha256, value: sum)
  }

  /// Throws a permanent failure for a key that JSON cannot carry, or that is as long as no key is.
  func check(_ key: ObjectKey, _ operation: PluginOperation) throws(Failure) {
    func refuse(_ code: String, _ cause: String, _ remedy: String = "") -> Failure {
      Failure(.permanent, operation.verb, key.description, code: code, cause: cause, remedy: remedy)
    }
    if key.bytes.isEmpty { throw refuse("InvalidKey", "an object needs a key of at least one byte") }
    if key.bytes.count > Self.keyLimit {
      throw refuse("KeyTooLongError", "the key has \(key.bytes.count) bytes, and a plugin is given \(Self.keyLimit)")
    }
    if String(validating: key.bytes, as: UTF8.self) == nil {
      throw refuse("InvalidKey", "the key is not UTF-8, and a plugin is asked in JSON", "rename the file")
    }
  }

  private func changed(_ key: ObjectKey) -> Failure {
    Failure(
      .transient(retryAfter: nil), "upload", key.description, code: Failure.sourceChanged,
      cause: "the file changed while it was sent")
  }
}
