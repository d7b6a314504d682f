import Glibc
import LocalFiles
import SlipwayModel

/// The life of the thread that watches: first the kernel's events, then what time asks for, then some directories that
/// are still to be listed, and again. A directory is watched before it is listed.
///
/// A move needs no memory of half an event: IN_MOVED_TO gives the moved directory its new place (the same inode has the
/// same watch), and IN_MOVE_SELF, which comes after it, only has to ask whether the directory is where the table says.
final class WatchLoop {
  /// How often a root's path is looked at: for one that is gone, and for what no event tells, a file system mounted
  /// over it or a directory above it renamed.
  static let rootCheckInterval = Duration.seconds(2)
  /// The wait between a loss and listing everything again: doubled while losses come one after the other.
  static let rescanDelayMin = Duration.milliseconds(100)
  static let rescanDelayMax = Duration.seconds(10)
  /// So long without a loss, and the wait is the shortest again.
  static let rescanCalm = Duration.seconds(60)
  /// Directories listed between two looks at the kernel's events: well below a millisecond.
  static let directoriesPerTurn = 32
  /// Buffers of events read between two looks at everything else.
  static let readsPerTurn = 16
  /// Directories of which it has been said that they cannot be read.
  static let saidMax = 1024

  /// A directory that is to be listed.
  struct Step {
    let index: WatchTable.Index
    let watch: Int32
    /// Whether those below are listed again even if they are known.
    let isDeep: Bool
    /// Whether the files in it may be unknown, where everything is of interest.
    let tellsEverything: Bool
  }

  let inotify: Inotify
  let names: NameFilter
  /// Whether everything below some root is of interest.
  let tellsEverything: Bool
  let pending: PendingEvents
  let wake: WakeUp
  let pace: WatchPace
  let seams: WatchSeams
  let clock = ContinuousClock()
  let directoryReader = DirectoryReader()
  private let eventReader = InotifyReader()

  var table = WatchTable()
  var roots: [WatchRoot]
  /// The absolute path of the directory that is being looked at.
  var path: [UInt8] = []
  /// Last in, first out: as deep as the tree, not as wide.
  var steps: [Step] = []
  /// Roots that are to be listed, one after the other.
  var rootsToList: [Int] = []
  var rootBeingListed: Int?
  /// Open while anything is listed below it.
  var openRoot: (index: WatchTable.Index, directory: OpenDirectory)?

  /// Each listing of everything has a number, so that what it did not come by can be forgotten.
  var pass: UInt8 = 0
  var isRescanning = false
  var hasRescanFailed = false
  /// After a loss.
  private var rescanAt: ContinuousClock.Instant?
  private var regularRescanAt: ContinuousClock.Instant
  private var rescanDelay = WatchLoop.rescanDelayMin
  private var lastLoss: ContinuousClock.Instant?

  /// Directories in which something could not be watched or listed, with their watches.
  var incomplete: [WatchTable.Index: Int32] = [:]
  /// Those of them that could not be listed.
  var unlisted: Set<WatchTable.Index> = []
  /// Directories without a watch.
  var unwatched: [WatchTable.Index] = []
  /// The topmost directories of file systems without events, with their watches.
  var eventless: [WatchTable.Index: Int32] = [:]
  /// What is known of each file system (st_dev of stat(2)).
  var eventSupport: [dev_t: EventSupport] = [:]
  var probes: [EventProbe] = []
  /// By root, as they were told last.
  var polledCounts: [BytePath: Int] = [:]
  var isPolledCountDue = false
  var isAtWatchLimit = false
  var said: Set<BytePath> = []
  private var pollAt: ContinuousClock.Instant
  private var rootCheckAt: ContinuousClock.Instant

  /// Watches the roots themselves; throws if one cannot be.
  init(
    _ directories: [BytePath], interest: WatchInterest, pending: PendingEvents, wake: WakeUp, pace: WatchPace,
    seams: WatchSeams
  ) throws(Failure) {
    do throws(ErrorNumber) {
      inotify = try Inotify(seams)
    } catch {
      throw WatchFailures.starting(error)
    }
    names = NameFilter(interest)
    (self.pending, self.wake, self.pace, self.seams) = (pending, wake, pace, seams)
    let everything = Set(interest.everythingIn.map(\.withoutTrailingSeparators))
    tellsEverything = !everything.isEmpty
    roots = Set(directories.map(\.withoutTrailingSeparators)).sorted().map {
      WatchRoot($0, tellsEverything: everything.contains($0))
    }
    pollAt = clock.now + pace.poll
    regularRescanAt = clock.now + pace.rescan
    rootCheckAt = clock.now + Self.rootCheckInterval
    for number in roots.indices {
      do throws(ErrorNumber) {
        try lookForRoot(number)
      } catch {
        throw WatchFailures.watching(roots[number].path, error, pace.poll)
      }
    }
  }

  /// Until somebody stops it.
  func run() {
    while !wake.isStopped {
      seams.beforeReading?()
      wait()
      readEvents()
      runTimers()
      listSome()
    }
  }

  /// Loss of events below all roots: said, and everything listed again, once for losses that come close together.
  func lose(_ failure: (BytePath) -> Failure) {
    for root in roots { pending.put(.lost(watch: root.path, failure(root.path))) }
    let now = clock.now
    if let lastLoss, now - lastLoss > Self.rescanCalm { rescanDelay = Self.rescanDelayMin }
    lastLoss = now
    if rescanAt != nil { return }
    rescanAt = now + rescanDelay
    rescanDelay = min(rescanDelay * 2, Self.rescanDelayMax)
  }

  private var isListing: Bool { !steps.isEmpty || rootBeingListed != nil || !rootsToList.isEmpty }
  private var canList: Bool { isListing && pending.nameCount < PendingEvents.namesMaxWhileListing }

  private func wait() {
    var descriptors = [
      pollfd(fd: inotify.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    Glibc.poll(&descriptors, nfds_t(descriptors.count), canList ? 0 : millisecondsToNextTimer)
    if descriptors[1].revents != 0 { wake.clear() }
  }

  private var millisecondsToNextTimer: Int32 {
    var next = min(rootCheckAt, regularRescanAt)
    if let rescanAt { next = min(next, rescanAt) }
    if needsPolling { next = min(next, pollAt) }
    // One more: a timer that is due in half a millisecond must not be polled for.
    return Int32(clamping: max(0, (next - clock.now).nanoseconds / 1_000_000 + 1))
  }

  private func readEvents() {
    for _ in 0..<Self.readsPerTurn where !eventReader.read(inotify.descriptor, handle) { return judgeProbes() }
  }

  private func runTimers() {
    let now = clock.now
    if now >= rootCheckAt {
      rootCheckAt = now + Self.rootCheckInterval
      checkRoots()
    }
    if let rescanAt, now >= rescanAt {
      self.rescanAt = nil
      rescan()
    }
    // A listing under way is brought to its end first.
    if now >= regularRescanAt {
      regularRescanAt = now + (isListing ? pace.poll : pace.rescan)
      if !isListing { rescan() }
    }
    if now >= pollAt {
      pollAt = now + pace.poll
      if !isListing { poll() }
    }
  }
}
