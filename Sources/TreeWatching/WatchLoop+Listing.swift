import CLibc
import Glibc
import LocalFiles
import SlipwayModel

extension WatchLoop {
  /// Lists some of the directories that wait for it; a root of which nothing waits any more has been listed.
  func listSome() {
    for _ in 0..<Self.directoriesPerTurn {
      if pending.nameCount >= PendingEvents.namesMaxWhileListing { return }
      if let step = steps.popLast() {
        list(step)
      } else if !goOnToNextRoot() {
        return
      }
    }
  }

  /// Watches the directory `name` in `parent`, at whose path `path` stands, and has it listed if it is new there, or
  /// was not come by in this pass. Returns its entry; nil if there is no directory to be watched.
  @discardableResult
  func visit(_ name: UnsafePointer<CChar>, in parent: WatchTable.Index, isDeep: Bool) -> WatchTable.Index? {
    let length = path.count
    path.append(UInt8(ascii: "/"))
    path.append(contentsOf: UnsafeRawBufferPointer(start: name, count: strlen(name) + 1))
    defer { path.removeSubrange(length...) }
    do throws(ErrorNumber) {
      let watch = try inotify.watch(path, isRoot: false)
      guard let known = table.index(of: watch) else { return enter(watch, name, in: parent, isDeep) }
      return revisit(known, name, in: parent, isDeep)
    } catch {
      return handleUnwatched(name, in: parent, error)
    }
  }

  /// Everything is listed again, and what is not come by is forgotten.
  func rescan() {
    pass &+= 1
    (isRescanning, hasRescanFailed) = (true, false)
    steps.removeAll()
    rootBeingListed = nil
    // They are come by again, and tried again.
    for index in unwatched where table.holds(index, watch: WatchTable.noWatch) && !table[index].isRoot { drop(index) }
    unwatched.removeAll { !table.holds($0, watch: WatchTable.noWatch) }
    checkRoots()
    rootsToList = roots.indices.filter { roots[$0].index != nil }
  }

  func setPath(to index: WatchTable.Index) {
    let top = top(of: index)
    path.removeAll(keepingCapacity: true)
    if let root = roots.first(where: { $0.index == top }) { path += root.stem }
    table.appendPath(of: index, below: top, to: &path)
  }

  func watch(of index: WatchTable.Index) -> Int32? {
    let watch = table[index].watch
    return table.holds(index, watch: watch) ? watch : nil
  }

  /// With its NUL: the table may move its names.
  func copyOfName(of index: WatchTable.Index) -> [CChar] {
    table.withName(index) { Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
  }

  private func top(of index: WatchTable.Index) -> WatchTable.Index {
    var top = index
    while table[top].parent != WatchTable.none { top = table[top].parent }
    return top
  }

  func append(_ index: WatchTable.Index, isDeep: Bool, tellsEverything: Bool = true) {
    steps.append(
      Step(index: index, watch: table[index].watch, isDeep: isDeep, tellsEverything: tellsEverything))
  }

  private func enter(
    _ watch: Int32, _ name: UnsafePointer<CChar>, in parent: WatchTable.Index, _ isDeep: Bool
  ) -> WatchTable.Index {
    let index = table.insert(watch: watch, parent: parent, name: name, pass: pass)
    append(index, isDeep: isDeep)
    return index
  }

  private func revisit(
    _ index: WatchTable.Index, _ name: UnsafePointer<CChar>, in parent: WatchTable.Index, _ isDeep: Bool
  ) -> WatchTable.Index? {
    let isInPlace = table[index].parent == parent && table.hasName(index, name)
    if isInPlace {
      if table[index].pass == pass, !isDeep { return index }
    } else {
      // A bind mount of a directory below itself: nothing new can be there.
      if table.isWithin(parent, index) { return nil }
      table.move(index, to: parent, name: name)
    }
    table[index].pass = pass
    // All below a moved directory has other paths now.
    append(index, isDeep: isDeep || !isInPlace)
    return index
  }

  /// nil for what is no directory, or gone; where the kernel gives no watch the directory is listed all the same.
  private func handleUnwatched(
    _ name: UnsafePointer<CChar>, in parent: WatchTable.Index, _ error: ErrorNumber
  ) -> WatchTable.Index? {
    if [ENOENT, ENOTDIR, ELOOP].contains(error.value) { return nil }
    let subject = BytePath(path.dropLast())
    noteIncomplete(parent)
    guard Self.isLimit(error) else {
      tellOnce(subject, WatchFailures.watching(subject, error, pace.poll), watches: watches(above: parent))
      return nil
    }
    let index = enter(withoutWatch: name, in: parent, subject, error)
    append(index, isDeep: false)
    return index
  }

  static func isLimit(_ error: ErrorNumber) -> Bool { [ENOSPC, ENOMEM, EMFILE].contains(error.value) }

  /// An entry for the directory at `subject`, which the kernel gives no watch; the limit is said once.
  func enter(
    withoutWatch name: UnsafePointer<CChar>, in parent: WatchTable.Index, _ subject: BytePath, _ error: ErrorNumber
  ) -> WatchTable.Index {
    if !isAtWatchLimit {
      isAtWatchLimit = true
      for root in roots { pending.put(.lost(watch: root.path, WatchFailures.watching(subject, error, pace.poll))) }
    }
    let index = table.insert(watch: WatchTable.noWatch, parent: parent, name: name, pass: pass)
    unwatched.append(index)
    isPolledCountDue = true
    return index
  }

  /// The nearest directory that has a watch is listed again in a while, and all below it that has none. A root without
  /// one is listed whole anyway.
  private func noteIncomplete(_ index: WatchTable.Index) {
    hasRescanFailed = true
    var current = index
    while table[current].watch == WatchTable.noWatch, table[current].parent != WatchTable.none {
      current = table[current].parent
    }
    if table[current].watch != WatchTable.noWatch { incomplete[current] = table[current].watch }
  }

  private func list(_ step: Step) {
    guard table.holds(step.index, watch: step.watch) else { return }
    do throws(ErrorNumber) {
      let descriptor = try openDirectory(step.index)
      defer { close(descriptor) }
      try noteFileSystem(of: step.index, descriptor)
      try directoryReader.read(descriptor) { name, type throws(ErrorNumber) in
        if names.takes(name) {
          tell(name, in: step.index, .found)
        } else if tellsEverything, step.tellsEverything, type == .file || type == .unknown {
          tellOfEverything(name, in: step.index, .found)
        }
        if type == .directory || type == .unknown { visit(name, in: step.index, isDeep: step.isDeep) }
      }
    } catch {
      // It is gone, or was replaced: events tell.
      if [ENOENT, ENOTDIR, ELOOP, EXDEV].contains(error.value) { return }
      noteIncomplete(step.index)
      unlisted.insert(step.index)
      let subject = BytePath(path)
      let failure = Failure(errno: error.value, operation: "list", subject: subject)
      tellOnce(subject, failure, watches: watches(above: step.index))
    }
  }

  /// Over no link: a listing that is led out of the tree would watch what nobody asked for. Sets `path`.
  private func openDirectory(_ index: WatchTable.Index) throws(ErrorNumber) -> Int32 {
    let top = top(of: index)
    if openRoot?.index != top { openRoot = (top, try openTop(top)) }
    setPath(to: index)
    guard let openRoot else { throw ErrorNumber(ENOENT) }
    let stem = roots.first { $0.index == top }?.stem.count ?? 0
    return try PathOpening.open(
      Array(path.dropFirst(stem + 1)), at: openRoot.directory.descriptor, flags: O_RDONLY | O_DIRECTORY | O_NONBLOCK,
      resolution: .withoutLinks)
  }

  private func openTop(_ top: WatchTable.Index) throws(ErrorNumber) -> OpenDirectory {
    guard let root = roots.first(where: { $0.index == top }) else { throw ErrorNumber(ENOENT) }
    return OpenDirectory(
      owning: try PathOpening.open(
        root.path.bytes, at: AT_FDCWD, flags: O_RDONLY | O_DIRECTORY, resolution: .anywhere))
  }

  /// False if there is nothing left to be listed. Roots inside roots come behind them and find everything known.
  private func goOnToNextRoot() -> Bool {
    openRoot = nil
    if let number = rootBeingListed { pending.put(.listed(watch: roots[number].path)) }
    rootBeingListed = nil
    guard !rootsToList.isEmpty else {
      finishRescan()
      tellPolledCounts()
      tellWalksDue()
      return false
    }
    let number = rootsToList.removeFirst()
    guard let index = roots[number].index else { return true }
    rootBeingListed = number
    table[index].pass = pass
    append(index, isDeep: !isCovered(number))
    return true
  }

  private func tellWalksDue() {
    for number in roots.indices where roots[number].isWalkDue {
      roots[number].isWalkDue = false
      if roots[number].index == nil { continue }
      pending.put(.listed(watch: roots[number].path))
    }
  }

  /// Whether another root's listing tells of everything below this one by the same paths.
  private func isCovered(_ number: Int) -> Bool {
    guard let index = roots[number].index, table[index].parent != WatchTable.none else { return false }
    return roots.contains { other in
      other.index != nil && other.path != roots[number].path && roots[number].path.isWithin(other.path)
    }
  }

  private func finishRescan() {
    guard isRescanning else { return }
    isRescanning = false
    // What could not be listed may be there still.
    if hasRescanFailed { return }
    for index in Array(table.indices) {
      guard let watch = watch(of: index), table[index].pass != pass else { continue }
      if table.holds(index, watch: watch) { drop(index) }
    }
  }
}
