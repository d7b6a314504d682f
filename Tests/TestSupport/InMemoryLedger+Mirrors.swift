import SlipwayModel

extension InMemoryLedger {
  package func mirrorPlace(of tree: TreeID, at destination: DestinationName) throws(Failure) -> MirrorPlace? {
    mirrors.places[MirrorShelf.Mirror(tree: tree, destination: destination)]
  }

  package func mirrorRoot(of tree: TreeID) throws(Failure) -> DirectoryIdentity? { mirrors.roots[tree] }

  package func mirrorMounts(of tree: TreeID) throws(Failure) -> [BytePath] {
    mirrors.mounts[tree, default: []].sorted()
  }

  package func mirrored(
    by tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int
  ) throws(Failure) -> [MirroredObject] {
    let rows = mirrors.sorted(tree).filter { $0.path.isWithin(path) && isAfter($0.path, last) }
    let end = rows.indices.first { $0 >= limit && $0 > 0 && rows[$0].path != rows[$0 - 1].path }
    return Array(rows[..<(end ?? rows.endIndex)])
  }

  package func mirrored(by tree: TreeID, inode: UInt64) throws(Failure) -> [MirroredObject] {
    mirrors.sorted(tree).filter { $0.content?.fingerprint.inode == inode }
  }

  package func mirroredToDelete(
    by tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int
  ) throws(Failure) -> [MirroredObject] {
    let rows = mirrors.sorted(tree).filter { $0.destination == destination && $0.state == .gone }
    return Array(rows.filter { isAfter($0.path, last) }.prefix(limit))
  }

  package func mirrorCounts(of tree: TreeID, at destination: DestinationName) throws(Failure) -> MirrorCounts {
    let rows = mirrors.sorted(tree).filter { $0.destination == destination }
    let there = Set(rows.filter { $0.state == .present }.compactMap(MovedFile.init))
    let gone = rows.filter { $0.state == .gone }
    return MirrorCounts(
      all: rows.count, gone: gone.count { MovedFile($0).map { !there.contains($0) } ?? true }, toDelete: gone.count)
  }
}

/// What a file keeps when it gets another name.
private struct MovedFile: Hashable {
  let inode: UInt64
  let size: Int64
  let modified: Int64

  init?(_ object: MirroredObject) {
    guard let file = object.content?.fingerprint else { return nil }
    (inode, size, modified) = (file.inode, file.size, file.modified)
  }
}

/// What an in-memory ledger knows of mirrors.
struct MirrorShelf {
  struct Mirror: Hashable {
    let tree: TreeID
    let destination: DestinationName
  }

  private(set) var places: [Mirror: MirrorPlace] = [:]
  private(set) var roots: [TreeID: DirectoryIdentity] = [:]
  private(set) var mounts: [TreeID: Set<BytePath>] = [:]
  private var rows: [Mirror: [BytePath: MirroredObject]] = [:]

  func holds(_ tree: TreeID) -> Bool { places.keys.contains { $0.tree == tree } }

  func sorted(_ tree: TreeID) -> [MirroredObject] {
    rows.filter { $0.key.tree == tree }.flatMap(\.value.values)
      .sorted { $0.path == $1.path ? $0.destination < $1.destination : $0.path < $1.path }
  }

  mutating func forgetContents(of tree: TreeID, at destination: DestinationName) {
    let mirror = Mirror(tree: tree, destination: destination)
    rows[mirror] = rows[mirror]?.mapValues { object in
      MirroredObject(path: object.path, destination: object.destination, content: nil, state: object.state)
    }
  }

  mutating func apply(_ change: LedgerChange) {
    switch change {
    case .mirrorPlace(let tree, let destination, let place):
      let mirror = Mirror(tree: tree, destination: destination)
      if places[mirror]?.address != place.address { rows[mirror] = nil }
      places[mirror] = place
    case .mirrorRoot(let tree, let root): roots[tree] = root
    case .mirrorMount(let tree, let path): mounts[tree, default: []].insert(path)
    case .mirrorMountsGone(let tree, let paths): mounts[tree]?.subtract(paths)
    case .mirrored(let tree, let objects):
      for object in objects {
        rows[Mirror(tree: tree, destination: object.destination), default: [:]][object.path] = object
      }
    case .unmirrored(let tree, let destination, let paths):
      for path in paths { rows[Mirror(tree: tree, destination: destination)]?[path] = nil }
    default: break
    }
  }
}
