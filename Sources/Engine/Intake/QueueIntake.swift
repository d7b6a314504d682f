import Logging
import SlipwayModel

/// From files in a spool directory to ready trees, a file each: whoever renames a file into the directory of work, and
/// locks it there, has it. An event says where to look, a listing finds what no event told, and what an ended process has
/// left in the directory of work is found by the lock that is gone.
actor QueueIntake: UnmarkedIntake {
  private let contexts: [WorkflowContext]
  let bench: IntakeBench
  private let walks: WalkQueue
  /// Files of which the kernel does not tell whether they are written, and that have not stood still long enough.
  var unsettled = UnsettledMarkers()
  /// The workflows whose intake ends once all that is ready is in.
  private var completing: Set<WorkflowName> = []
  /// What has been told of, once.
  private var told: Set<BytePath> = []
  private var looking: Task<Void, Never>?

  /// So many files are claimed before their runs are committed.
  static let batchSize = 256
  /// Of so many paths it is remembered that they were told.
  private static let toldMax = 10_000

  init(_ contexts: [WorkflowContext], _ bench: IntakeBench) {
    self.contexts = contexts
    self.bench = bench
    walks = WalkQueue(bench)
  }

  var ports: EnginePorts { bench.ports }

  /// Claims the files among these that are closed. What there is no room for is left to a walk.
  func take(_ hints: [(BytePath, NameHint)]) async throws(Failure) {
    for context in contexts {
      guard let place = QueuePlace(context) else { continue }
      for isBelieved in [true, false] {
        var names: [BytePath] = []
        for (path, hint) in hints where path.parent == place.watch && hint != .removed {
          if (hint == .complete) == isBelieved, await wants(path.name, place) { names.append(path.name) }
        }
        let left = try await claim(names, place, believing: isBelieved)
        if !left.isEmpty { scanSoon(context.workflow.name, place.watch) }
      }
    }
  }

  /// What its run has left in the directory of work, and what has its name in the queue.
  func lookAgain(at tree: TreeID) async throws(Failure) {
    guard let place = place(of: tree.workflow) else { return }
    if await bench.orchestrator.roomForClaims(of: tree.workflow) == 0 {
      scanSoon(tree.workflow, tree.watch)
    } else if try await takeUp([tree.name], place), await wants(tree.name, place) {
      _ = try await claim([tree.name], place, believing: false)
    }
    await bench.orchestrator.hasLooked(at: tree)
    await closeIfComplete(place.workflow)
  }

  func scan(_ workflow: Workflow) async throws(Failure) {
    guard let place = place(of: workflow.name) else { return }
    try await walk(place)
    let paths = unsettled.beginLook()
    if paths.isEmpty { return }
    let end = ports.clock.now() + ReadyDecision.settleTime
    do throws(CancellationError) { try await ports.clock.sleep(until: end) } catch { return }
    let names = paths.filter { $0.parent == place.watch }.map(\.name)
    for start in stride(from: 0, to: names.count, by: Self.batchSize) {
      guard await bench.orchestrator.waitForRoom(for: workflow.name) else { return }
      _ = try await claim(Array(names[start..<min(start + Self.batchSize, names.count)]), place, believing: false)
    }
    for path in unsettled.beginLook() { bench.logger.notice("left out \(path): it is still being written") }
  }

  func takeAll(of workflow: Workflow) async throws(Failure) -> PushedRuns {
    let push = PushedTrees(joining: try await bench.orchestrator.joinAll(of: workflow.name))
    if let place = place(of: workflow.name) { try await walk(place, push) }
    return push.runs
  }

  func take(_ tree: TreeID) async throws(Failure) -> RunID {
    if let run = try await bench.orchestrator.join(tree) { return run }
    guard let place = place(of: tree.workflow), tree.name.components.count == 1 else { throw RunRefusal.notAFile(tree) }
    let push = PushedTrees(joining: [])
    if try await takeUp([tree.name], place, push), await wants(tree.name, place) {
      _ = try await claim([tree.name], place, believing: true, push)
    }
    if let run = push.runs.runs.first { return run }
    if let run = try await bench.orchestrator.join(tree) { return run }
    throw RunRefusal.notClaimed(tree)
  }

  func scanSoon(_ workflow: WorkflowName, _ watch: BytePath) {
    guard let place = place(of: workflow) else { return }
    walks.add(WalkQueue.Place(workflow: workflow, watch: watch)) { () throws(Failure) in
      try await self.walk(place)
      await self.closeIfComplete(place.workflow)
    }
    lookForStranded()
  }

  func complete(_ workflow: Workflow) {
    guard completing.insert(workflow.name).inserted else { return }
    for watch in workflow.watch { scanSoon(workflow.name, watch.path) }
  }

  func stop() async {
    looking?.cancel()
    await walks.stop()
    await looking?.value
  }

  private func place(of workflow: WorkflowName) -> QueuePlace? {
    contexts.first { $0.workflow.name == workflow }.flatMap { QueuePlace($0) }
  }

  /// Nothing may be due any more: no walk, no look, no run about whose file something was told.
  private func closeIfComplete(_ workflow: Workflow) async {
    guard completing.contains(workflow.name), !walks.holds(workflow.name) else { return }
    if unsettled.holdsBack(workflow, where: { !workflow.trees(at: $0).isEmpty }) { return }
    guard await !bench.orchestrator.owesLook(to: workflow.name), await bench.orchestrator.isOpen(workflow.name) else {
      return
    }
    await bench.orchestrator.closeIntake(of: workflow.name)
  }

  // MARK: Listings

  /// Nobody tells that a lock is gone, nor that a name in the directory of work is free: in the service the queue is
  /// listed again as often as what is polled.
  private func lookForStranded() {
    if bench.isOnce || looking != nil { return }
    let (clock, pause) = (ports.clock, bench.orchestrator.configuration.settings.poll)
    looking = Task.detached(executorPreference: ports.fileExecutor) {
      while true {
        do throws(CancellationError) { try await clock.sleep(until: clock.now() + pause) } catch { return }
        await self.listAgain()
      }
    }
  }

  private func listAgain() {
    for context in contexts {
      for watch in context.workflow.watch { scanSoon(context.workflow.name, watch.path) }
    }
  }

  private func walk(_ place: QueuePlace, _ push: PushedTrees? = nil) async throws(Failure) {
    try await walk(place, place.working, push) { names throws(Failure) in
      let room = await self.bench.orchestrator.roomForClaims(of: place.name)
      try await self.takeUp(Array(names.prefix(room)), place, push)
      return Array(names.dropFirst(room))
    }
    try await walk(place, place.watch, push) { names throws(Failure) in
      try await self.claim(names, place, believing: false, push)
    }
  }

  /// Hands over what lies in one of the directories, as there is room for it; what `take` gives back comes again.
  private func walk(
    _ place: QueuePlace, _ directory: BytePath, _ push: PushedTrees?,
    _ take: ([BytePath]) async throws(Failure) -> [BytePath]
  ) async throws(Failure) {
    do throws(Failure) {
      let entries = try ports.files.list(directory)
      var (batch, isOver) = ([BytePath](), false)
      while !Task.isCancelled, !isOver || !batch.isEmpty {
        while !isOver, batch.count < Self.batchSize {
          guard let entry = try entries.next() else {
            isOver = true
            break
          }
          if await wants(entry, place, directory) { batch.append(entry.name) }
        }
        if batch.isEmpty { return }
        guard await bench.orchestrator.waitForRoom(for: place.name) else { return }
        batch = try await take(batch)
      }
    } catch {
      if error.kind == .fatal { throw error }
      // Nobody has worked there yet.
      if error.code == "ENOENT", directory == place.working { return }
      push?.missed()
      await bench.missed(error)
    }
  }

  // MARK: Names

  private func wants(_ entry: DirectoryEntry, _ place: QueuePlace, _ directory: BytePath) async -> Bool {
    switch entry.kind {
    case .file: return await wants(entry.name, place)
    case .directory: tell(directory.appending(entry.name), "is left alone: it is a directory, and a queue has files")
    case .link, .special: tellNoFile(directory.appending(entry.name))
    }
    return false
  }

  /// Whether filter and exclude leave it to be a tree.
  private func wants(_ name: BytePath, _ place: QueuePlace) async -> Bool {
    do throws(Failure) {
      switch try place.context.selection.verdict(on: name) {
      case .taken: return true
      case .skipped(.marker): return false
      case .skipped(let reason): tell(place.watch.appending(name), "is left out: \(reason.explanation)")
      }
    } catch {
      if told.contains(place.watch.appending(name)) { return false }
      note(place.watch.appending(name))
      await bench.missed(error)
    }
    return false
  }

  func tellNoFile(_ path: BytePath) { tell(path, "is left alone: it is not a regular file") }

  func tell(_ path: BytePath, _ what: String) {
    if told.contains(path) { return }
    note(path)
    bench.logger.notice("\(path) \(what)")
  }

  /// Of what has failed it is told again only when it has failed in another way.
  func fail(_ failure: Failure) async {
    let key = BytePath(failure.message)
    if !told.contains(key) || bench.isOnce { await bench.missed(failure) }
    note(key)
  }

  private func note(_ path: BytePath) {
    if told.count >= Self.toldMax { told.removeAll() }
    told.insert(path)
  }

  // MARK: Files that may still be written

  func lookAgain(at path: BytePath, _ state: FileState) {
    let marker = MarkerState(
      identity: TreeDigest(of: state.fingerprint).identity, isOpenForWriting: nil, age: state.age)
    let isFirst = unsettled.add(path, marker, now: ports.clock.now())
    if bench.isOnce || !isFirst { return }
    bench.after(ReadyDecision.settleTime) { () throws(Failure) in try await self.lookAtUnsettled() }
  }

  private func lookAtUnsettled() async throws(Failure) {
    try await take(unsettled.beginLook().map { ($0, .found) })
    unsettled.endLook()
    let heldBack = unsettled.takeHeldBack()
    for context in contexts where heldBack.contains(context.workflow.name) { await closeIfComplete(context.workflow) }
  }
}
