import SlipwayModel

/// The walk of a tree that is one regular file.
final class SingleFileWalk: TreeWalk {
  private var entry: WalkEntry?

  init(_ fingerprint: Fingerprint) {
    entry = WalkEntry(path: .here, kind: .file(fingerprint))
  }

  func next() -> WalkEntry? {
    defer { entry = nil }
    return entry
  }
}
