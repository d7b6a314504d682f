import LocalFiles
import SlipwayModel
import Synchronization

/// The real files, but for what a test puts in their way.
final class FaultyFiles: TreeFiles {
  private struct Faults {
    var markers: [BytePath: @Sendable () throws(Failure) -> MarkerState?] = [:]
    var states: [BytePath: @Sendable (FileState?) throws(Failure) -> FileState?] = [:]
    var listings: [BytePath: Failure] = [:]
    var unlisted: [Failure] = []
    var unread: Set<BytePath> = []
    var beforeFind: @Sendable () -> Void = {}
    var claimsMax: Int?
    var beforeOpen: @Sendable (BytePath) -> Void = { _ in }
  }

  private let files: LocalTreeFiles
  private let faults = Mutex(Faults())

  init(_ files: LocalTreeFiles) {
    self.files = files
  }

  /// Whoever looks at the marker is answered this.
  func answer(marker path: BytePath, _ answer: @escaping @Sendable () throws(Failure) -> MarkerState?) {
    faults.withLock { $0.markers[path] = answer }
  }

  /// Whoever looks at the file is answered what becomes of its state here.
  func answer(file path: BytePath, _ answer: @escaping @Sendable (FileState?) throws(Failure) -> FileState?) {
    faults.withLock { $0.states[path] = answer }
  }

  /// No more claims may be held.
  func limitClaims(to limit: Int) {
    faults.withLock { $0.claimsMax = limit }
  }

  /// Throws from `find` of this directory.
  func failFind(_ directory: BytePath, with failure: Failure) {
    faults.withLock { $0.listings[directory] = failure }
  }

  /// Each `find` tells this of a directory below.
  func leaveOut(_ failure: Failure) {
    faults.withLock { $0.unlisted = [failure] }
  }

  /// A walk cannot read this file, or this directory.
  func leaveUnread(_ path: BytePath) {
    faults.withLock { _ = $0.unread.insert(path) }
  }

  func readAll() { faults.withLock { $0.unread = [] } }

  /// Called at the beginning of each `find`; may block.
  func beforeFind(_ action: @escaping @Sendable () -> Void) {
    faults.withLock { $0.beforeFind = action }
  }

  /// Called with the absolute path of each file that is about to be opened.
  func beforeOpen(_ action: @escaping @Sendable (BytePath) -> Void) {
    faults.withLock { $0.beforeOpen = action }
  }

  func marker(at path: BytePath) throws(Failure) -> MarkerState? {
    if let answer = faults.withLock({ $0.markers[path] }) { return try answer() }
    return try files.marker(at: path)
  }

  func state(of path: BytePath, in tree: BytePath) throws(Failure) -> FileState? {
    let state = try files.state(of: path, in: tree)
    guard let answer = faults.withLock({ $0.states[tree.appending(path)] }) else { return state }
    return try answer(state)
  }

  func find(_ names: Set<BytePath>, in directory: BytePath) throws(Failure) -> any NameSearch {
    let (action, failure, unlisted) = faults.withLock { ($0.beforeFind, $0.listings[directory], $0.unlisted) }
    action()
    if let failure { throw failure }
    return FaultySearch(try files.find(names, in: directory), unlisted)
  }

  /// What a test puts in the way concerns no call that follows links.
  func with(_ symlinks: SymlinkPolicy) -> any TreeFiles { symlinks == .skip ? self : files.with(symlinks) }

  func walk(_ tree: BytePath) throws(Failure) -> any TreeWalk {
    FaultyWalk(try files.walk(tree), tree, unread: faults.withLock { $0.unread })
  }
  func content(of path: BytePath, in tree: BytePath, limit: Int) throws(Failure) -> [UInt8]? {
    try files.content(of: path, in: tree, limit: limit)
  }
  func open(_ path: BytePath, in tree: BytePath) throws(Failure) -> any OpenFile {
    faults.withLock { $0.beforeOpen }(tree.appending(path))
    return try files.open(path, in: tree)
  }
  func fingerprint(_ path: BytePath, in tree: BytePath) throws(Failure) -> Fingerprint? {
    try files.fingerprint(path, in: tree)
  }
  func identity(of directory: BytePath) throws(Failure) -> DirectoryIdentity? { try files.identity(of: directory) }
  func mountPoint(above directory: BytePath, in tree: BytePath) throws(Failure) -> BytePath? {
    try files.mountPoint(above: directory, in: tree)
  }
  func remove(_ path: BytePath, in tree: BytePath, ifStill fingerprint: Fingerprint) throws(Failure) -> Bool {
    try files.remove(path, in: tree, ifStill: fingerprint)
  }
  func removeMarker(at path: BytePath, ifStill marker: MarkerIdentity) throws(Failure) -> Bool {
    try files.removeMarker(at: path, ifStill: marker)
  }
  func removeEmptyDirectories(in tree: BytePath, keepingRoot: Bool) throws(Failure) {
    try files.removeEmptyDirectories(in: tree, keepingRoot: keepingRoot)
  }
  func move(_ tree: BytePath, into directory: BytePath) throws(Failure) -> BytePath {
    try files.move(tree, into: directory)
  }
  func write(_ bytes: [UInt8], to path: BytePath) throws(Failure) { try files.write(bytes, to: path) }

  func list(_ directory: BytePath) throws(Failure) -> any DirectoryEntries { try files.list(directory) }
  func claim(
    _ names: [BytePath], from directory: BytePath, into working: BytePath, believing isBelieved: Bool
  ) throws(Failure) -> [ClaimAnswer] {
    try files.claim(names, from: directory, into: working, believing: isBelieved)
  }
  func takeUp(_ names: [BytePath], in working: BytePath) throws(Failure) -> [ClaimAnswer] {
    try files.takeUp(names, in: working)
  }
  func putBack(_ name: BytePath, from working: BytePath, to directory: BytePath) throws(Failure) -> Bool {
    try files.putBack(name, from: working, to: directory)
  }
  func dispose(
    _ names: [BytePath], from working: BytePath, to directory: BytePath
  ) throws(Failure) -> [Result<BytePath?, Failure>] {
    try files.dispose(names, from: working, to: directory)
  }
  var claimsMax: Int { faults.withLock { $0.claimsMax } ?? files.claimsMax }
}

private final class FaultyWalk: TreeWalk {
  private let walk: any TreeWalk
  private let tree: BytePath
  private let unread: Set<BytePath>
  private var told: BytePath?

  init(_ walk: any TreeWalk, _ tree: BytePath, unread: Set<BytePath>) {
    self.walk = walk
    self.tree = tree
    self.unread = unread
  }

  func next() -> WalkEntry? {
    while let entry = walk.next() {
      let path = tree.appending(entry.path)
      guard let place = unread.first(where: { path.isWithin($0) }), let below = place.relative(to: tree) else {
        return entry
      }
      // What lies in a directory that cannot be read does not come at all.
      if told == place { continue }
      told = place
      return WalkEntry(path: below, kind: .unreadable(FaultyFiles.denied(place)))
    }
    return nil
  }
}

private final class FaultySearch: NameSearch {
  private let search: any NameSearch
  private let unlisted: [Failure]

  init(_ search: any NameSearch, _ unlisted: [Failure]) {
    self.search = search
    self.unlisted = unlisted
  }

  func next() -> BytePath? { search.next() }
  var problems: [Failure] { search.problems + unlisted }
}

extension FaultyFiles {
  static func denied(_ path: BytePath) -> Failure {
    Failure(.permanent, "read", path.description, code: "EACCES", cause: "Permission denied")
  }
}
