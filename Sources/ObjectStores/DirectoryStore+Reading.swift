import Glibc
import LocalFiles
import SlipwayModel

/// What is asked of a directory beside `put`. An object is a regular file; below the root no link is followed, so what
/// was put over one is not seen here. What is removed leaves its directory.
extension DirectoryStore {
  package func head(_ key: ObjectKey) async throws(Failure) -> ObjectHead? {
    try await withTaskExecutorPreference(threads) { () async throws(Failure) in
      try fingerprint(of: key).map { ObjectHead($0) }
    }
  }

  package func get(_ key: ObjectKey, intoFile descriptor: Int32) async throws(Failure) -> ObjectHead {
    try await withTaskExecutorPreference(threads) { () async throws(Failure) in
      let file = try open(key, "read")
      let copy = ContentCopy(file: file, descriptor: descriptor, key: key)
      try buffers.withBuffer { buffer throws(Failure) in try copy.run(buffer) }
      return ObjectHead(file.fingerprint)
    }
  }

  package func list(under prefix: ObjectKey) -> any ObjectWalk { DirectoryWalk(self, prefix) }

  package func delete(_ keys: [ObjectKey]) async throws(Failure) -> [ObjectFailure] {
    await withTaskExecutorPreference(threads) { () async in
      keys.compactMap { key in
        do throws(Failure) {
          try remove(key)
          return nil
        } catch {
          return ObjectFailure(key: key, failure: error)
        }
      }
    }
  }

  package func copy(_ source: ObjectKey, to key: ObjectKey, for run: RunID) async throws(Failure) -> PutReceipt {
    try await withTaskExecutorPreference(threads) { () async throws(Failure) in
      try store(try open(source, "copy"), key, for: run, TransferMeter())
    }
  }

  var files: LocalTreeFiles { LocalTreeFiles(roots: [path]) }

  /// nil where no file lies, and for a key that can be no file's.
  private func fingerprint(of key: ObjectKey) throws(Failure) -> Fingerprint? {
    guard DestinationPath.isPossible(key) else { return nil }
    return try files.fingerprint(BytePath(key.bytes), in: path)
  }

  /// nil where there is none.
  func openObject(_ key: ObjectKey) throws(Failure) -> (any OpenFile)? {
    guard try fingerprint(of: key) != nil else { return nil }
    return try files.open(BytePath(key.bytes), in: path)
  }

  private func open(_ key: ObjectKey, _ operation: String) throws(Failure) -> any OpenFile {
    guard try fingerprint(of: key) != nil else { throw Failure.noSuchObject(operation, key.description) }
    return try files.open(BytePath(key.bytes), in: path)
  }

  private func remove(_ key: ObjectKey) throws(Failure) {
    // A put may come between the look and the removal.
    for _ in 0..<Self.mostChanges {
      guard let fingerprint = try fingerprint(of: key) else { return }
      if try files.remove(BytePath(key.bytes), in: path, ifStill: fingerprint) { return }
    }
    throw Failure(
      .transient(retryAfter: nil), "delete", key.description, code: "Busy", cause: "others go on storing it")
  }

  private static let mostChanges = 16
}

extension ObjectHead {
  fileprivate init(_ fingerprint: Fingerprint) {
    self.init(size: fingerprint.size, modified: Timestamp(nanoseconds: fingerprint.modified))
  }
}

/// One object's content on its way into somebody's file.
private struct ContentCopy {
  let file: any OpenFile
  let descriptor: Int32
  let key: ObjectKey

  /// Throws unless the file is at the end what it was at the beginning.
  func run(_ buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
    var position: Int64 = 0
    while true {
      let count = pread(file.descriptor, buffer.baseAddress, buffer.count, off_t(position))
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw destinationFailure(errno, "read", key.description) }
      if count == 0 { break }
      try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: position)
      position += Int64(count)
      // It grows, perhaps for ever.
      if position > file.fingerprint.size { break }
    }
    guard position == file.fingerprint.size, try file.currentFingerprint() == file.fingerprint else {
      throw Failure(
        .transient(retryAfter: nil), "read", key.description, code: Failure.sourceChanged,
        cause: "it changed while it was read")
    }
    if ftruncate(descriptor, off_t(position)) != 0 { throw destinationFailure(errno, "read", key.description) }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset) + done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw destinationFailure(count < 0 ? errno : EIO, "read", key.description) }
      done += count
    }
  }
}
