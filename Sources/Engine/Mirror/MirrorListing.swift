import SlipwayModel

/// What lies at a target of a mirror, in byte order of the paths: a listing, without the keys that no file can have.
/// For one task at a time.
struct MirrorListing {
  let target: MirrorTarget
  private var walk: any ObjectWalk
  private var held: (path: BytePath, object: ListedObject)?
  private var last: ObjectKey?
  private var hasEnded = false

  init(_ target: MirrorTarget) {
    self.target = target
    walk = target.store.list(under: ObjectKey(target.stem))
  }

  /// The path of the next object; nil at the end.
  nonisolated(nonsending) mutating func nextPath() async throws(Failure) -> BytePath? {
    while held == nil, !hasEnded {
      guard let object = try await walk.next() else {
        hasEnded = true
        return nil
      }
      if let last, object.key <= last { throw outOfOrder(object.key) }
      last = object.key
      held = target.path(of: object.key).map { ($0, object) }
    }
    return held?.path
  }

  /// The object at `path`, if that is the next one.
  mutating func take(_ path: BytePath) -> ListedObject? {
    guard held?.path == path else { return nil }
    defer { held = nil }
    return held?.object
  }

  /// Nothing may be concluded from what such a listing does not show.
  private func outOfOrder(_ key: ObjectKey) -> Failure {
    Failure(
      .permanent, "list", target.address, code: "ListingOutOfOrder",
      cause: "the key \(key) does not come in byte order, as S3's do",
      remedy: "a mirror needs a server that lists its keys in order")
  }
}

/// The ledger's rows of a mirror below one path, a page at a time.
struct MirrorRowPages {
  static let pageSize = 1000

  private let ledger: any MirrorRecords
  private let tree: TreeID
  private let part: BytePath
  private var page: ArraySlice<MirroredObject> = []
  private var last: BytePath?
  private var isExhausted = false

  init(of tree: TreeID, within part: BytePath, in ledger: any MirrorRecords) {
    self.ledger = ledger
    self.tree = tree
    self.part = part
  }

  nonisolated(nonsending) mutating func nextPath() async throws(Failure) -> BytePath? {
    if page.isEmpty, !isExhausted {
      let next = try await ledger.mirrored(by: tree, within: part, after: last, limit: Self.pageSize)
      page = next[...]
      last = next.last?.path ?? last
      isExhausted = next.isEmpty
    }
    return page.first?.path
  }

  /// The rows of `path`, if that is the next one.
  mutating func take(_ path: BytePath) -> [MirroredObject] {
    let rows = page.prefix { $0.path == path }
    page = page.dropFirst(rows.count)
    return Array(rows)
  }
}
