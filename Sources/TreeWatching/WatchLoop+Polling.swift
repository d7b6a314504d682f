import CLibc
import Glibc
import LocalFiles
import SlipwayModel

/// A directory in which it is being tried whether events come.
struct EventProbe {
  /// An empty directory, which no walk tells of, made and removed at once. What a killed process left goes with it.
  static let name = ".slipway-probe"

  let index: WatchTable.Index
  let watch: Int32
  let kind: String
  /// Whether an event of its name came.
  var wasTold = false
}

/// Directories that are listed again and again, because events do not tell of all that happens in them.
extension WatchLoop {
  /// Whether anything is to be listed at the next poll.
  var needsPolling: Bool { !incomplete.isEmpty || !unwatched.isEmpty || !eventless.isEmpty }

  /// Directories that could not be watched or listed get another chance; those without events are listed whole.
  func poll() {
    if !inotify.hasInstance { askForInstance() }
    if incomplete.isEmpty, unwatched.isEmpty { isAtWatchLimit = false }
    let (again, without) = (incomplete, unwatched)
    (incomplete, unwatched, isPolledCountDue) = ([:], [], true)
    for index in without where table.holds(index, watch: WatchTable.noWatch) { requestWalks(around: index) }
    for index in without where table.holds(index, watch: WatchTable.noWatch) { giveUp(unwatched: index) }
    // Of what lies in the directory itself events tell, unless it could not be listed.
    for (index, watch) in again where table.holds(index, watch: watch) {
      if unlisted.contains(index) { requestWalks(around: index) }
      append(index, isDeep: false, tellsEverything: false)
    }
    unlisted = []
    eventless = eventless.filter { table.holds($0.key, watch: $0.value) }
    for index in eventless.keys {
      requestWalks(around: index)
      append(index, isDeep: true)
    }
  }

  /// Where everything is of interest, what lies in this directory is not told: whoever wants to know walks.
  func requestWalks(around index: WatchTable.Index) {
    guard tellsEverything else { return }
    for number in roots.indices where roots[number].tellsEverything {
      if let root = roots[number].index, table.isWithin(index, root) { roots[number].isWalkDue = true }
    }
  }

  private func askForInstance() {
    do throws(ErrorNumber) {
      try inotify.open()
    } catch {
      // As before: it has been said.
    }
  }

  /// Its next listing tries to watch it again. A root is listed whole.
  private func giveUp(unwatched index: WatchTable.Index) {
    let numbers = roots.indices.filter { roots[$0].index == index }
    for number in numbers { roots[number].index = nil }
    drop(index)
    for number in numbers {
      lookAgain(number)
      if roots[number].index == nil { tellGone(number) }
    }
  }

  // MARK: File systems without events

  /// Notes whether events tell of the file system on which a directory lies, which is open at `descriptor`.
  func noteFileSystem(of index: WatchTable.Index, _ descriptor: Int32) throws(ErrorNumber) {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
    let known = eventSupport[status.st_dev]
    let support = if let known { known } else { EventSupport(magic: try magic(of: descriptor)) }
    switch support {
    case .told: break
    case .unseen(let kind): noteEventless(index, WatchFailures.unseen(kind, pace.poll))
    case .unknown(let kind):
      // Where there is no watch nothing can be tried, and it is polled anyway.
      if table[index].watch == WatchTable.noWatch || isWithinEventless(index) { return }
      // One layer of an overlay says nothing of another: each root is tried.
      if known == nil || table[index].isRoot { tryEvents(in: index, kind, descriptor) }
    }
    eventSupport[status.st_dev] = support
  }

  private func magic(of descriptor: Int32) throws(ErrorNumber) -> UInt32 {
    if let magic = seams.magic { return magic }
    return try EventSupport.magic(of: descriptor)
  }

  private func tryEvents(in index: WatchTable.Index, _ kind: String, _ descriptor: Int32) {
    // EEXIST: a process was killed here, or another one tries just now; the removal is an event as well.
    let isMade = mkdirat(descriptor, EventProbe.name, 0o700) == 0
    guard isMade || errno == EEXIST else {
      return noteEventless(index, WatchFailures.untried(kind, .last, pace.poll))
    }
    if unlinkat(descriptor, EventProbe.name, AT_REMOVEDIR) != 0, !isMade, errno != ENOENT {
      return noteEventless(index, WatchFailures.untried(kind, .last, pace.poll))
    }
    probes.append(EventProbe(index: index, watch: table[index].watch, kind: kind))
  }

  /// Once the kernel's queue has been read to its end: it had an event of each probe then, or gives none.
  func judgeProbes() {
    if probes.isEmpty { return }
    let tried = probes
    probes = []
    for probe in tried where !probe.wasTold && table.holds(probe.index, watch: probe.watch) {
      setPath(to: probe.index)
      noteEventless(probe.index, WatchFailures.silent(probe.kind, pace.poll))
    }
  }

  /// The topmost directory stands for all below it. `path` is its path.
  private func noteEventless(_ index: WatchTable.Index, _ reason: (BytePath) -> Failure) {
    if isWithinEventless(index) { return }
    eventless[index] = table[index].watch
    isPolledCountDue = true
    let subject = BytePath(path)
    tellOnce(subject, reason(subject), watches: watches(above: index))
  }

  // MARK: How many

  /// Once a listing is over: tells of each root for how many directories it is polled, where that has changed.
  func tellPolledCounts() {
    guard isPolledCountDue else { return }
    isPolledCountDue = false
    var counts: [BytePath: Int] = [:]
    for index in unwatched where table.holds(index, watch: WatchTable.noWatch) && !isWithinEventless(index) {
      for watch in watches(above: index) { counts[watch, default: 0] += 1 }
    }
    for (index, watch) in eventless where table.holds(index, watch: watch) {
      let size = table.subtree(index).count
      for watch in watches(above: index) { counts[watch, default: 0] += size }
    }
    for root in roots where counts[root.path, default: 0] != polledCounts[root.path, default: 0] {
      pending.put(.polled(watch: root.path, directories: counts[root.path, default: 0]))
    }
    polledCounts = counts
  }

  private func isWithinEventless(_ index: WatchTable.Index) -> Bool {
    if eventless.isEmpty { return false }
    var current = index
    while current != WatchTable.none {
      if eventless[current] == table[current].watch { return true }
      current = table[current].parent
    }
    return false
  }
}
