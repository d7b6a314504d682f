import CLibc
import Glibc
import LocalFiles
import SlipwayModel

/// A watched directory as it was named.
struct WatchRoot {
  let path: BytePath
  /// What goes before a slash and a name: the path, empty for `/`.
  let stem: [UInt8]
  /// Whether everything below it is of interest, not names alone.
  let tellsEverything: Bool
  /// Whether it has to be walked: something that is of interest was not told, and `listed` is, once nothing is left to
  /// be listed.
  var isWalkDue = false
  /// nil while there is nothing at its path.
  var index: WatchTable.Index?
  /// Of what was watched, to notice another directory at the same path.
  private var device: dev_t = 0
  private var inode: ino_t = 0

  init(_ path: BytePath, tellsEverything: Bool) {
    self.path = path
    self.tellsEverything = tellsEverything
    self.stem = path.bytes == [UInt8(ascii: "/")] ? [] : path.bytes
  }

  /// Whether the path still leads to what it led to at the last `note`.
  var isInPlace: Bool {
    guard let status = try? status() else { return false }  // Whatever the reason: it cannot be reached there.
    return status.st_dev == device && status.st_ino == inode
  }

  /// Before it is watched: should another directory come in between, then this is not what is found later.
  mutating func note() throws(ErrorNumber) {
    let status = try status()
    if status.st_mode & S_IFMT != S_IFDIR { throw ErrorNumber(ENOTDIR) }
    (device, inode) = (status.st_dev, status.st_ino)
  }

  private func status() throws(ErrorNumber) -> stat {
    var status = stat()
    let answer = (path.bytes + [0]).withUnsafeBytes { bytes in
      bytes.baseAddress.map { stat($0.assumingMemoryBound(to: CChar.self), &status) } ?? -1
    }
    if answer != 0 { throw ErrorNumber.last }
    return status
  }
}

extension WatchLoop {
  /// Watches what the root's path leads to, and has it listed.
  func lookForRoot(_ number: Int) throws(ErrorNumber) {
    try roots[number].note()
    // Another file system may lie there under the same number.
    eventSupport.removeAll()
    let index = try watchRoot(at: roots[number].path)
    table[index].isRoot = true
    roots[number].index = index
    rootsToList.append(number)
  }

  private func watchRoot(at path: BytePath) throws(ErrorNumber) -> WatchTable.Index {
    do throws(ErrorNumber) {
      let watch = try inotify.watch(path.bytes + [0], isRoot: true)
      return table.index(of: watch) ?? table.insert(watch: watch, parent: WatchTable.none, name: "", pass: pass)
    } catch let error where Self.isLimit(error) {
      return enter(withoutWatch: "", in: WatchTable.none, path, error)
    }
  }

  /// Roots whose path leads elsewhere are gone; those that are gone may be back.
  func checkRoots() {
    for number in roots.indices {
      if roots[number].index != nil, !roots[number].isInPlace { loseRoot(number) }
      if roots[number].index == nil { lookAgain(number) }
    }
  }

  /// The directory that moved is still where the table says, or what lay there is forgotten.
  func verifyPlace(of index: WatchTable.Index) {
    for number in roots.indices where roots[number].index == index && !roots[number].isInPlace {
      loseRoot(number)
      lookAgain(number)
    }
    guard let watch = watch(of: index), table[index].parent != WatchTable.none else { return }
    let parent = table[index].parent
    let name = copyOfName(of: index)
    setPath(to: parent)
    if name.withUnsafeBufferPointer({ $0.baseAddress.flatMap { visit($0, in: parent, isDeep: false) } }) == index {
      return
    }
    guard table.holds(index, watch: watch), table[index].parent == parent else { return }
    if table[index].isRoot { table.detach(index) } else { drop(index) }
  }

  /// Forgets a directory and all below it, and their watches. Roots among them are gone.
  func drop(_ index: WatchTable.Index) {
    var lost: [Int] = []
    for entry in table.subtree(index).reversed() {
      if table[entry].isRoot { lost += roots.indices.filter { roots[$0].index == entry } }
      if table[entry].watch != WatchTable.noWatch { inotify.remove(table[entry].watch) }
      table.remove(entry)
    }
    for number in lost { tellGone(number) }
    for number in lost { lookAgain(number) }
  }

  /// Told once; its directory is forgotten unless it is a part of another root.
  private func loseRoot(_ number: Int) {
    guard let index = roots[number].index else { return }
    tellGone(number)
    if roots.contains(where: { $0.index == index }) { return }
    table[index].isRoot = false
    if table[index].parent == WatchTable.none { drop(index) }
  }

  func tellGone(_ number: Int) {
    roots[number].index = nil
    rootsToList.removeAll { $0 == number }
    if rootBeingListed == number { rootBeingListed = nil }
    pending.put(.gone(watch: roots[number].path))
  }

  /// At once and then at every check, until there is a directory.
  func lookAgain(_ number: Int) {
    do throws(ErrorNumber) {
      try lookForRoot(number)
    } catch {
      if error.value == ENOENT || error.value == ENOTDIR { return }
      tellOnce(
        roots[number].path, WatchFailures.watching(roots[number].path, error, pace.poll), watches: [roots[number].path])
    }
  }
}
