import Glibc
import LocalFiles
import SlipwayModel

extension WatchLoop {
  func handle(_ event: InotifyEvent) {
    if seams.isDeaf { return }
    if event.has(IN_Q_OVERFLOW) {
      // Their events may be among the lost ones, and then there are events.
      probes = []
      return lose(WatchFailures.overflow)
    }
    // A watch that was given up has left events behind.
    guard let index = table.index(of: event.watch) else { return }
    if let name = event.name { return handle(event, name, in: index) }
    if event.has(IN_IGNORED) { return drop(index) }
    if event.has(IN_MOVE_SELF) { verifyPlace(of: index) }
  }

  private func handle(_ event: InotifyEvent, _ name: UnsafePointer<CChar>, in index: WatchTable.Index) {
    if !probes.isEmpty { notice(name, in: index) }
    if names.takes(name) {
      tell(name, in: index, hint(of: event))
    } else if tellsEverything, !event.isDirectory || event.has(IN_MOVED_FROM | IN_DELETE) {
      // With a directory that is moved away goes what lies in it, and nothing else tells of that.
      tellOfEverything(name, in: index, hint(of: event))
    }
    let isNew = IN_CREATE | IN_MOVED_TO
    guard event.isDirectory, event.has(isNew) else { return }
    setPath(to: index)
    visit(name, in: index, isDeep: false)
  }

  private func notice(_ name: UnsafePointer<CChar>, in index: WatchTable.Index) {
    guard strcmp(name, EventProbe.name) == 0 else { return }
    for number in probes.indices where probes[number].index == index { probes[number].wasTold = true }
  }

  private func hint(of event: InotifyEvent) -> NameHint {
    if event.has(IN_CLOSE_WRITE | IN_MOVED_TO) { return .complete }
    return event.has(IN_CREATE | IN_ATTRIB) ? .found : .removed
  }

  /// Tells of a name by each path that a root gives it; of roots inside roots mostly the same.
  func tell(_ name: UnsafePointer<CChar>, in index: WatchTable.Index, _ hint: NameHint) {
    var told: [BytePath] = []
    var current = index
    while current != WatchTable.none {
      if table[current].isRoot {
        for root in roots where root.index == current {
          let path = path(of: name, in: index, below: root, at: current)
          if told.contains(path) { continue }
          told.append(path)
          if !pending.put(path, hint) { lose(WatchFailures.tooManyPending) }
        }
      }
      current = table[current].parent
    }
  }

  /// Tells of a name that is of interest only to roots that want to know of everything. One that is about to be walked
  /// finds it anyway; where there is no room it is walked as well.
  func tellOfEverything(_ name: UnsafePointer<CChar>, in index: WatchTable.Index, _ hint: NameHint) {
    var current = index
    while current != WatchTable.none {
      if table[current].isRoot {
        for number in roots.indices where roots[number].index == current && roots[number].tellsEverything {
          if isToBeWalked(number) { continue }
          let path = path(of: name, in: index, below: roots[number], at: current)
          if !pending.offer(path, hint) { roots[number].isWalkDue = true }
        }
      }
      current = table[current].parent
    }
  }

  private func isToBeWalked(_ number: Int) -> Bool {
    roots[number].isWalkDue || rootBeingListed == number || rootsToList.contains(number)
  }

  private func path(
    of name: UnsafePointer<CChar>, in index: WatchTable.Index, below root: WatchRoot, at ancestor: WatchTable.Index
  ) -> BytePath {
    var bytes = root.stem
    table.appendPath(of: index, below: ancestor, to: &bytes)
    bytes.append(UInt8(ascii: "/"))
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: name, count: strlen(name)))
    return BytePath(bytes)
  }

  /// The roots by which a directory is watched.
  func watches(above index: WatchTable.Index) -> [BytePath] {
    roots.filter { root in root.index.map { table.isWithin(index, $0) } ?? false }.map(\.path)
  }

  /// Of each directory once; bounded.
  func tellOnce(_ path: BytePath, _ failure: Failure, watches: [BytePath]) {
    guard said.count < Self.saidMax, said.insert(path).inserted else { return }
    for watch in watches { pending.put(.lost(watch: watch, failure)) }
  }
}
