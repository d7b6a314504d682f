import Logging
import SlipwayModel

/// Where a queue's files come in, and where they are worked on.
struct QueuePlace: Sendable {
  let context: WorkflowContext
  let watch: BytePath
  let working: BytePath

  /// nil for a workflow that is no queue.
  init?(_ context: WorkflowContext) {
    guard let watch = context.workflow.watch.first, let working = context.workflow.intake.workingDirectory else {
      return nil
    }
    self.context = context
    self.watch = watch.path
    self.working = working
  }

  var workflow: Workflow { context.workflow }
  var name: WorkflowName { workflow.name }

  func tree(_ file: BytePath) -> TreeID { TreeID(workflow: name, watch: watch, name: file) }
}

/// From names to claims, and from those to runs: a batch with one commit.
extension QueueIntake {
  /// Claims what there is room for, and gives back the rest.
  func claim(
    _ names: [BytePath], _ place: QueuePlace, believing isBelieved: Bool, _ push: PushedTrees? = nil
  ) async throws(Failure) -> [BytePath] {
    if names.isEmpty { return [] }
    let room = await bench.orchestrator.roomForClaims(of: place.name)
    let batch = Array(names.prefix(min(room, Self.batchSize)))
    if batch.isEmpty { return names }
    let answers: [ClaimAnswer]
    do throws(Failure) {
      answers = try ports.files.claim(batch, from: place.watch, into: place.working, believing: isBelieved)
    } catch {
      push?.missed()
      await fail(error)
      return []
    }
    var runs: [Run] = []
    var settled: [BytePath] = []
    for (name, answer) in zip(batch, answers) {
      let path = place.watch.appending(name)
      switch answer {
      case .claimed(let claim):
        bench.openFiles.forget(path)
        runs.append(keep(claim, of: place.tree(name)))
      case .taken: break
      case .written: bench.openFiles.leave(path)
      case .nameTaken: await leave(name, place, push)
      case .notAFile: tellNoFile(path)
      case .unsure(let state): if isSettled(path, state) { settled.append(name) } else { lookAgain(at: path, state) }
      case .failed(let failure):
        push?.missed()
        await fail(failure)
      }
    }
    try await admit(runs, place, push)
    if !settled.isEmpty { _ = try await claim(settled, place, believing: true, push) }
    return Array(names.dropFirst(batch.count))
  }

  /// A file of its name is being worked on. Where that is by this process, its end leads to another look. What is no
  /// regular file nobody works on: it is in the way for good.
  private func leave(_ name: BytePath, _ place: QueuePlace, _ push: PushedTrees?) async {
    // A directory of work that cannot be looked at now is told by the walk of it; the name waits like any other.
    if case .notAFile? = try? ports.files.takeUp([name], in: place.working).first {
      push?.missed()
      return await fail(.nameTaken(place.watch.appending(name), by: place.working.appending(name)))
    }
    tell(place.watch.appending(name), "waits: a file of this name is being worked on in \(place.working)")
    _ = await bench.orchestrator.free([place.tree(name)])
  }

  /// Takes up those that lie in the directory of work and that nobody holds; what is still being written waits. True if
  /// nothing was.
  @discardableResult
  func takeUp(_ names: [BytePath], _ place: QueuePlace, _ push: PushedTrees? = nil) async throws(Failure) -> Bool {
    let answers: [ClaimAnswer]
    do throws(Failure) {
      answers = try ports.files.takeUp(names, in: place.working)
    } catch {
      push?.missed()
      await fail(error)
      return true
    }
    var runs: [Run] = []
    for (name, answer) in zip(names, answers) {
      switch answer {
      case .claimed(let claim):
        // What cannot be looked at is claimed all the same: its run meets the same error, and tells it.
        if push == nil, bench.orchestrator.shared.claims.isSkipped(place.tree(name), claim) { continue }
        let state = try? ports.files.state(of: name, in: place.working)
        if state?.isOpenForWriting == true {
          bench.openFiles.leave(place.working.appending(name))
        } else {
          runs.append(keep(claim, of: place.tree(name)))
        }
      case .notAFile: tellNoFile(place.working.appending(name))
      case .failed(let failure):
        push?.missed()
        await fail(failure)
      default: break
      }
    }
    if !runs.isEmpty {
      bench.logger.notice(
        "\(runs.count) files in \(place.working) that nobody works on are taken up",
        metadata: ["workflow": "\(place.name)"])
    }
    try await admit(runs, place, push)
    return runs.isEmpty
  }

  private func keep(_ claim: any FileClaim, of tree: TreeID) -> Run {
    let run = bench.run(of: tree, by: nil)
    bench.orchestrator.shared.claims.keep(claim, for: run)
    return run
  }

  private func admit(_ runs: [Run], _ place: QueuePlace, _ push: PushedTrees?) async throws(Failure) {
    if runs.isEmpty { return }
    // The claim stands for itself: where a batch is to commit the next state anyway, nothing else need be written down.
    if push != nil || !place.workflow.isSentInBatches { try await ports.ledger.commit(runs.map { .run($0) }) }
    push?.note(runs.map(\.id))
    await bench.orchestrator.admit(runs, isPushed: push != nil)
  }

  /// Whether a file of which the kernel does not tell who writes it has stood still for long enough.
  private func isSettled(_ path: BytePath, _ state: FileState) -> Bool {
    sayThatWritersAreUnknown(path.parent)
    let marker = MarkerState(
      identity: TreeDigest(of: state.fingerprint).identity, isOpenForWriting: nil, age: state.age)
    return unsettled.aged(marker, at: path, now: ports.clock.now()).age >= ReadyDecision.settleTime
  }

  private func sayThatWritersAreUnknown(_ watch: BytePath) {
    let seconds = ReadyDecision.settleTime.components.seconds
    tell(
      watch,
      """
      has files of which it cannot be told whether they are written (another user's, or a file system without leases): \
      they count as closed once an event says so, or when they have not changed for \(seconds) s
      """)
  }
}

extension Failure {
  /// What lies in the directory of work is none of the queue's.
  fileprivate static func nameTaken(_ path: BytePath, by other: BytePath) -> Failure {
    Failure(
      .permanent, "claim", path.description, code: "EEXIST", cause: "\(other) has its name, and is no regular file",
      remedy: "move that away")
  }
}
