import CLibc
import Glibc
import SlipwayModel

/// What is asked of a plugin beside `put`, as far as it offers it.
extension PluginStore {
  package func head(_ key: ObjectKey) async throws(Failure) -> ObjectHead? {
    // No such key can have been stored.
    do throws(Failure) { try check(key, .head) } catch { return nil }
    let request = PluginRequest.head(key)
    do throws(Failure) {
      let answer = try await connection.ask(request)
      guard let head = answer.head else { throw unclear("size", request) }
      return head
    } catch {
      if error.code == Failure.noSuchKey { return nil }
      throw error
    }
  }

  package func get(_ key: ObjectKey, intoFile descriptor: Int32) async throws(Failure) -> ObjectHead {
    try check(key, .get)
    let held = try HeldDescriptor(duplicating: descriptor, "read", key.description)
    let request = PluginRequest.get(key, into: held)
    guard ftruncate(descriptor, 0) == 0 else { throw destinationFailure(errno, "read", key.description) }
    let answer = try await connection.ask(request)
    guard let head = answer.head else { throw unclear("size", request) }
    try checkContent(of: held, head, answer, request)
    return head
  }

  package func list(under prefix: ObjectKey) -> any ObjectWalk { PluginWalk(connection, prefix) }

  /// At most `deletesAtOnce` of them wait at once, and of those the plugin is given as many as it takes.
  package func delete(_ keys: [ObjectKey]) async throws(Failure) -> [ObjectFailure] {
    await withTaskGroup(of: ObjectFailure?.self) { group in
      var failures: [ObjectFailure] = []
      for (index, key) in keys.enumerated() {
        if index >= Self.deletesAtOnce, let failure = await group.next() ?? nil { failures.append(failure) }
        group.addTask { await self.remove(key) }
      }
      for await case let failure? in group { failures.append(failure) }
      return failures.sorted { $0.key < $1.key }
    }
  }

  private static let deletesAtOnce = 16

  package func copy(_ source: ObjectKey, to key: ObjectKey, for run: RunID) async throws(Failure) -> PutReceipt {
    try check(source, .copy)
    try check(key, .copy)
    let request = PluginRequest.copy(source, to: key)
    let answer = try await connection.ask(request)
    guard let head = answer.head else { throw unclear("size", request) }
    return PutReceipt(size: head.size, etag: head.etag, checksum: head.checksum)
  }

  private func remove(_ key: ObjectKey) async -> ObjectFailure? {
    do throws(Failure) {
      try check(key, .delete)
      _ = try await connection.ask(PluginRequest.delete(key))
      return nil
    } catch {
      return error.code == Failure.noSuchKey ? nil : ObjectFailure(key: key, failure: error)
    }
  }

  /// What the plugin has written is what it says of it.
  private func checkContent(
    of held: HeldDescriptor, _ head: ObjectHead, _ answer: PluginAnswer, _ request: PluginRequest
  ) throws(Failure) {
    func refuse(_ cause: String) -> Failure {
      Failure(
        .transient(retryAfter: nil), "read", connection.subject(request), code: "IncompleteBody", cause: cause)
    }
    var status = stat()
    guard fstat(held.number, &status) == 0, Int64(status.st_size) == head.size else {
      throw refuse("the plugin has written \(status.st_size) bytes of \(head.size)")
    }
    guard let told = answer.sum else { return }
    // What was opened for writing alone cannot be read.
    let reader = open(held.path, O_RDONLY | O_CLOEXEC)
    guard reader >= 0 else { throw destinationFailure(errno, "read", request.key.description) }
    defer { Glibc.close(reader) }
    let sum = try buffers.withBuffer { buffer throws(Failure) in
      try ContentSum(of: reader, upTo: head.size, "read", request.key.description, buffer)
    }
    if sum.sum != told { throw refuse("what the plugin has written has another sha256 than it tells") }
  }

  private func unclear(_ member: String, _ request: PluginRequest) -> Failure {
    Failure(
      .permanent, request.operation.verb, connection.subject(request), code: "BadAnswer",
      cause: "the plugin's answer does not tell '\(member)'")
  }
}
