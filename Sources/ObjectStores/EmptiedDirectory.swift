import LocalFiles
import SlipwayModel

/// A directory at the name of an object that is about to be put in its place. Objects that are deleted leave theirs.
struct EmptiedDirectory {
  private let key: ObjectKey
  private let root: DestinationRoot
  private let store: DirectoryStore

  init(at key: ObjectKey, in root: DestinationRoot, of store: DirectoryStore) {
    self.key = key
    self.root = root
    self.store = store
  }

  /// Removes it with the directories below it, and with what a crash has left of puts. Throws where anything else lies
  /// there.
  func remove() throws(Failure) {
    let place = store.path.appending(BytePath(key.bytes))
    let walk = try store.files.walk(place)
    while let entry = walk.next() {
      if case .unreadable(let failure) = entry.kind { throw failure }
      let path = BytePath(key.bytes).appending(entry.path)
      if try !removeDraft(path) {
        throw Failure.inTheWay(key, cause: "\(path) lies below its name", in: store.path)
      }
    }
    try store.files.removeEmptyDirectories(in: place, keepingRoot: false)
  }

  /// False for what is no draft, and for one that is being written.
  private func removeDraft(_ path: BytePath) throws(Failure) -> Bool {
    guard path.name.bytes.starts(with: DestinationPath.draftPrefix) else { return false }
    let components = path.parent.bytes.split(separator: UInt8(ascii: "/")).map { BytePath(Array($0)) }
    return try DraftFile.removeLeftOver(path.name, in: try root.directory(components, for: key), key)
  }
}
