import Glibc
import SlipwayModel
import Synchronization

extension InMemoryStore {
  package func head(_ key: ObjectKey) async throws(Failure) -> ObjectHead? {
    objects[key].map { ObjectHead(size: Int64($0.count)) }
  }

  package func get(_ key: ObjectKey, intoFile descriptor: Int32) async throws(Failure) -> ObjectHead {
    let content = try content(of: key, "read")
    guard pwrite(descriptor, content, content.count, 0) == content.count, ftruncate(descriptor, content.count) == 0
    else { throw Failure(.permanent, "read", key.description, cause: String(cString: strerror(errno))) }
    return ObjectHead(size: Int64(content.count))
  }

  package func recognise(
    _ file: any OpenFile, at key: ObjectKey, as known: KnownObject
  ) async throws(Failure) -> PutReceipt? {
    guard known.size == file.fingerprint.size, objects[key] == (try read(file, key)) else { return nil }
    return PutReceipt(size: known.size, etag: known.etag, checksum: nil, isSent: false)
  }

  package func list(under prefix: ObjectKey) -> any ObjectWalk {
    Walk(store: self, prefix: prefix)
  }

  package func delete(_ keys: [ObjectKey]) async throws(Failure) -> [ObjectFailure] {
    let failure = state.withLock { state in
      state.deletes.append(keys)
      if state.deleteFailure == nil { for key in keys { state.objects[key] = nil } }
      return state.deleteFailure
    }
    if let failure { throw failure }
    return []
  }

  package func copy(_ source: ObjectKey, to key: ObjectKey, for run: RunID) async throws(Failure) -> PutReceipt {
    let content = try content(of: source, "copy")
    if let failure = obstacle(key) { throw failure }
    state.withLock { state in
      state.objects[key] = content
      state.copies.append(key)
    }
    return PutReceipt(size: Int64(content.count), etag: etag(of: content), checksum: nil)
  }

  private func content(of key: ObjectKey, _ operation: String) throws(Failure) -> [UInt8] {
    guard let content = objects[key] else { throw Failure.noSuchObject(operation, key.description) }
    return content
  }

  /// Looks anew for each object, so that what is put meanwhile is found where it belongs.
  private struct Walk: ObjectWalk {
    let store: InMemoryStore
    let prefix: ObjectKey
    var last: ObjectKey?
    var count = 0

    mutating func next() async throws(Failure) -> ListedObject? {
      if count == 0 { store.state.withLock { $0.listings += 1 } }
      if let failure = store.state.withLock({ $0.listFailure }), count >= failure.after { throw failure.failure }
      count += 1
      let (last, prefix) = (last, prefix)
      let next = store.objects.filter { key, _ in
        key.bytes.starts(with: prefix.bytes) && last.map { $0 < key } ?? true
      }.min { $0.key < $1.key }
      self.last = next?.key ?? last
      return next.map {
        ListedObject(
          key: $0.key, size: Int64($0.value.count), etag: store.etag(of: $0.value), modified: Timestamp(seconds: 0))
      }
    }
  }
}
