import LocalFiles
import SlipwayModel

/// The objects of a directory destination in byte order of their keys, as a walk of its tree gives them.
///
/// Sendable by hand: for one task at a time, as every walk of objects; what blocks runs on the store's threads.
final class DirectoryWalk: ObjectWalk, @unchecked Sendable {
  private let store: DirectoryStore
  private let prefix: ObjectKey
  /// The prefix up to its last slash, in which the walk begins.
  private let start: BytePath
  private var walk: (any TreeWalk)?
  private var objects: [ListedObject] = []
  private var position = 0
  private var isOver = false

  /// How many objects are looked up at once, so that not each of them changes threads.
  private static let batch = 256

  init(_ store: DirectoryStore, _ prefix: ObjectKey) {
    self.store = store
    self.prefix = prefix
    let end = prefix.bytes.lastIndex(of: UInt8(ascii: "/")) ?? prefix.bytes.startIndex
    start = end == 0 ? .here : BytePath(Array(prefix.bytes[..<end]))
  }

  func next() async throws(Failure) -> ListedObject? {
    if position == objects.count, !isOver {
      try await withTaskExecutorPreference(store.threads) { () async throws(Failure) in try refill() }
    }
    guard position < objects.count else { return nil }
    position += 1
    return objects[position - 1]
  }

  private func refill() throws(Failure) {
    objects = []
    position = 0
    if walk == nil { walk = try begin() }
    while objects.count < Self.batch {
      guard let entry = walk?.next() else {
        isOver = true
        return
      }
      try take(entry)
    }
  }

  /// nil where there is nothing below the prefix: no such directory, or a prefix that no file's path has. A root that
  /// has gone is told: its file system has probably been unmounted, and its objects are somewhere.
  private func begin() throws(Failure) -> (any TreeWalk)? {
    let first = prefix.bytes.first
    let isPossible = start == .here ? first != UInt8(ascii: "/") : DestinationPath.isPossible(ObjectKey(start.bytes))
    guard isPossible else { return nil }
    do throws(Failure) {
      return try store.files.walk(store.path.appending(start))
    } catch {
      let isMissing = ["ENOENT", "ENOTDIR", "ELOOP", "EXDEV"].contains(error.code)
      if !isMissing { throw error }
      if !store.mayBeUnmade { _ = try store.files.walk(store.path) }
      return nil
    }
  }

  private func take(_ entry: WalkEntry) throws(Failure) {
    let key = ObjectKey(start == .here ? entry.path.bytes : start.bytes + [UInt8(ascii: "/")] + entry.path.bytes)
    switch entry.kind {
    case .unreadable(let failure): throw failure
    case .link, .special: break
    case .file(let fingerprint):
      guard key.bytes.starts(with: prefix.bytes), DestinationPath.isPossible(key) else { return }
      objects.append(
        ListedObject(
          key: key, size: fingerprint.size, modified: Timestamp(nanoseconds: fingerprint.modified)))
    }
  }
}
