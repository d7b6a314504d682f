import Foundation
import Glibc
import SlipwayModel

/// An S3 server on 127.0.0.1 that keeps objects in memory, judges every request as strictly as S3 does, and fails on
/// demand. One thread accepts, each connection has one of its own. Path-style addresses only.
///
/// `@unchecked Sendable`: everything that changes is behind `condition`, but for the listening socket, which is set
/// once and closed by the accepting thread. Runs until `stop`.
package final class ScriptedS3Server: @unchecked Sendable {
  /// What clients must sign with.
  package struct Keys: Sendable {
    package var accessKeyID: String
    package var secretAccessKey: String
    package var sessionToken: String?

    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
      self.accessKeyID = accessKeyID
      self.secretAccessKey = secretAccessKey
      self.sessionToken = sessionToken
    }
  }

  /// How strict the server is, and what it holds when it starts.
  package struct Settings: Sendable {
    package var buckets = ["bucket"]
    package var region = "us-east-1"
    package var keys = Keys(accessKeyID: "AKIASCRIPTED", secretAccessKey: "scripted/secret+key")
    /// Session tokens that were good once.
    package var expiredTokens: Set<String> = []
    /// Over plain http nobody should leave the payload out of the signature.
    package var allowsUnsignedPayload = false
    /// How far the server's clock is ahead of ours.
    package var clockOffset = Duration.zero

    package init() {}
  }

  struct State {
    var settings: Settings
    var shelf: ObjectShelf
    var script = FaultScript()
    var requests: [RecordedRequest] = []
    var connections = 0
    var openSockets: [Int32] = []
    var isStopped = false
    /// Counts changes, so that a waiter can tell that nothing happened since it looked.
    var changes = 0
  }

  package let port: UInt16
  let condition = NSCondition()
  private let listener: Int32
  private var state: State

  package init(_ settings: Settings = Settings(), rules: [FaultRule] = []) throws {
    state = State(settings: settings, shelf: ObjectShelf(buckets: settings.buckets, region: settings.region))
    state.script.append(rules)
    (listener, port) = try Self.listen()
    Thread.detachNewThread { [self] in acceptConnections() }
  }

  /// Runs `body` with a server, and stops it whatever happens.
  package static func with<Result>(
    _ settings: Settings = Settings(), rules: [FaultRule] = [], _ body: (ScriptedS3Server) async throws -> Result
  ) async throws -> Result {
    let server = try ScriptedS3Server(settings, rules: rules)
    defer { server.stop() }
    return try await body(server)
  }

  package var endpoint: String { "http://127.0.0.1:\(port)" }
  package var keys: Keys { settings.keys }
  var settings: Settings { with { $0.settings } }

  /// Every request so far, in order of arrival; also those that were refused or never answered.
  package var requests: [RecordedRequest] { with { $0.requests } }

  /// How many connections were accepted.
  package var connectionCount: Int { with { $0.connections } }

  package func object(_ key: String, in bucket: String = "bucket") -> StoredObject? {
    with { $0.shelf.buckets[bucket]?[ObjectKey(key)] }
  }

  /// In byte order.
  package func keys(in bucket: String = "bucket") -> [[UInt8]] {
    with { $0.shelf.buckets[bucket, default: [:]].keys.sorted().map(\.bytes) }
  }

  /// Removes an object without a request.
  package func remove(_ key: String, from bucket: String = "bucket") {
    update { $0.shelf.remove(ObjectKey(key), from: bucket) }
  }

  /// From now on a request to delete several is refused for this key.
  package func protect(_ key: String) {
    update { $0.shelf.protected.insert(ObjectKey(key)) }
  }

  /// The multipart uploads that are not over, by their keys, in the order of their beginning.
  package var openUploads: [(key: ObjectKey, parts: [Int])] {
    with { $0.shelf.multiparts.uploads.values.sorted { $0.number < $1.number } }
      .map { ($0.key, $0.parts.keys.sorted()) }
  }

  /// Forgets them, as a server may that cleans up.
  package func loseUploads() {
    update { $0.shelf.loseUploads() }
  }

  /// From now on what is put together of parts has no tags, as at some versions of Ceph's gateway.
  package func forgetTagsOfParts() {
    update { $0.shelf.forgetTagsOfParts() }
  }

  /// Puts an object there without a request, as another client's.
  package func place(_ key: String, in bucket: String = "bucket", content: [UInt8]) {
    update { $0.shelf.place(Array(key.utf8), in: bucket, content: content) }
  }

  /// Puts rules behind those that are there; the first that fires decides.
  package func add(_ rules: FaultRule...) {
    update { $0.script.append(rules) }
  }

  package func removeRules() {
    update { $0.script.removeAll() }
  }

  /// Changes keys, clock or strictness; counts from the next request.
  package func change(_ body: (inout Settings) -> Void) {
    update { body(&$0.settings) }
  }

  /// Returns once `isDone` says so, asked after every change; false when `limit` has passed.
  package func wait(upTo limit: Duration = .seconds(30), until isDone: @escaping @Sendable (ScriptedS3Server) -> Bool)
    async -> Bool
  {
    await withCheckedContinuation { continuation in
      // A thread of its own, since waiting on a condition blocks.
      Thread.detachNewThread { [self] in continuation.resume(returning: waitBlocking(limit, isDone)) }
    }
  }

  /// Closes every connection and the port. May be called twice.
  package func stop() {
    condition.withLock {
      if state.isStopped { return }
      state.isStopped = true
      // shutdown(2) wakes whoever blocks in accept, recv or send; the threads close what is theirs.
      shutdown(listener, Int32(SHUT_RDWR))
      for socket in state.openSockets { shutdown(socket, Int32(SHUT_RDWR)) }
      condition.broadcast()
    }
  }

  private func waitBlocking(_ limit: Duration, _ isDone: (ScriptedS3Server) -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: Double(limit.nanoseconds) / 1e9)
    while true {
      let seen = with { $0.changes }
      if isDone(self) { return true }
      let isLate = condition.withLock {
        while state.changes == seen { if !condition.wait(until: deadline) { return true } }
        return false
      }
      if isLate { return isDone(self) }
    }
  }

  private func with<Result>(_ body: (State) -> Result) -> Result {
    condition.withLock { body(state) }
  }

  /// Every change goes through here, and wakes those who wait.
  @discardableResult
  func update<Result>(_ body: (inout State) -> Result) -> Result {
    condition.withLock {
      defer {
        state.changes += 1
        condition.broadcast()
      }
      return body(&state)
    }
  }

  private func acceptConnections() {
    while true {
      let descriptor = CloseOnExec.accept(listener)
      if descriptor < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        break
      }
      let number: Int? = update { state in
        if state.isStopped { return nil }
        state.openSockets.append(descriptor)
        state.connections += 1
        return state.connections - 1
      }
      guard let number else {
        close(descriptor)
        break
      }
      Thread.detachNewThread { [self] in
        let socket = ServerSocket(descriptor: descriptor)
        ConnectionHandler(server: self, socket: socket, number: number).serve()
        // Before it is closed: its number may be another socket's afterwards.
        update { state in state.openSockets.removeAll { $0 == descriptor } }
        socket.close()
      }
    }
    close(listener)
  }

  private static func listen() throws -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> Int32 in
        if bind(descriptor, generic, length) != 0 || Glibc.listen(descriptor, 512) != 0 { return -1 }
        return getsockname(descriptor, generic, &length)
      }
    }
    guard descriptor >= 0, result == 0 else {
      throw Failure(.permanent, "listen on", "127.0.0.1", cause: String(cString: strerror(errno)))
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }
}

/// Blocks the calling thread, which must be one of the server's own.
func pause(_ duration: Duration) {
  Thread.sleep(forTimeInterval: Double(max(0, duration.nanoseconds)) / 1e9)
}
