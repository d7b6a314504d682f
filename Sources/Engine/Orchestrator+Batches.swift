import SlipwayModel

/// Files of a queue are so many, and each is so little to do, that they share tasks and commits, unless each has hooks of its
/// own.
extension Orchestrator {
  func isForBatch(_ run: Run) -> Bool {
    contexts[run.tree.workflow]?.workflow.isSentInBatches == true && !pushed.contains(run.id)
  }

  /// `first` has been taken from the backlog; what stands behind it goes with it. A batch counts as one run.
  func launchBatch(from first: Run) {
    guard let context = contexts[first.tree.workflow] else { return }
    let limit = context.workflow.intake.hookBatch ?? FileBatch.limit
    let more = backlog.takeMore(of: first.tree.workflow, upTo: limit - 1)
    let alone = more.filter { pushed.contains($0.id) }
    for run in alone { backlog.goOn(run) }
    let runs = [first] + more.filter { !pushed.contains($0.id) }
    let batch = FileBatch(context: context, ports: ports, shared: shared, logger: logger)
    inBatches += runs.count - 1
    let task = Task.detached(executorPreference: ports.fileExecutor) {
      do throws(Failure) {
        await self.leftBatch(runs, try await batch.perform(runs))
      } catch {
        await self.stop(for: error)
        await self.leftBatch(runs, [:])
      }
    }
    for run in runs { tasks[run.id] = task }
  }

  /// What was not brought to its end goes on alone, unless the process ends or somebody has it cancelled.
  private func leftBatch(_ runs: [Run], _ endings: [RunID: RunDriver.Ending]) {
    inBatches -= runs.count - 1
    for run in runs {
      let ending = endings[run.id] ?? .interrupted(run)
      if case .interrupted(let left) = ending, !isStopping, !cancelling.contains(run.id) {
        tasks[run.id] = nil
        shared.outages?.left(run.id, isOver: false)
        backlog.goOn(left)
      } else {
        note(ending, of: run.id)
      }
    }
    setAlarm()
    pump()
  }

  /// Those of the runs that stand in the queue and are not in the ledger: somebody wants to follow them.
  func record(_ runs: [RunID]) async throws(Failure) {
    let wanted = Set(runs)
    let ready = backlog.ready.filter {
      wanted.contains($0.id) && contexts[$0.tree.workflow]?.workflow.isSentInBatches == true
    }
    if !ready.isEmpty { try await ports.ledger.commit(ready.map { .run($0) }) }
  }

  /// What follows from the end of a run's way through a task.
  func note(_ ending: RunDriver.Ending, of id: RunID) {
    tasks[id] = nil
    if cancelling.contains(id), let left = ending.withheld {
      // Whoever cancels it ends it.
      withheld[id] = left
      return
    }
    switch ending {
    case .interrupted: interrupted += 1
    case .ended(let run):
      giveBack(run)
      pushed.remove(id)
      if run.state == .failed { failedTrees.insert(run.tree) }
      if run.state == .done { failedTrees.remove(run.tree) }
    case .waiting(let run, let wait, let out):
      if out.isEmpty { backlog.wait(run, wait) } else { park(run, out) }
    }
    shared.outages?.left(id, isOver: ending.isOver)
  }
}

extension RunDriver.Ending {
  /// nil for a run that is over.
  fileprivate var withheld: Backlog.Withheld? {
    switch self {
    case .ended: nil
    case .interrupted(let run): .due(run)
    case .waiting(let run, let wait, let out): out.isEmpty ? .waiting(run, wait) : .due(run)
    }
  }
}

extension Workflow {
  /// Whether its runs are files of a queue with nothing to do but to be sent.
  var isSentInBatches: Bool {
    intake.workingDirectory != nil && !isDryRun
      && (intake.hookBatch != nil || hooks.pre.isEmpty && hooks.post.isEmpty)
  }
}
