import Logging
import SlipwayModel

/// What an earlier process left, or an engine before this one.
extension Orchestrator {
  /// Before anything is taken in.
  func recover() async throws(Failure) {
    try await noteAddresses()
    let left = LeftRuns(
      configuration: configuration, only: only, contexts: contexts, ports: ports, mode: mode, logger: logger)
    for (run, decision) in try await left.decide() {
      if decision != .leave { try takeUpFile(of: run) }
      if case .push(let trees) = mode, trees.contains(run.tree) { noteLeft(run) }
      switch decision {
      case .leave: continue
      case .enqueue: backlog.add(run)
      case .resume: backlog.resume(run)
      case .wait(let waiting): backlog.resume(run, after: waiting)
      case .abandon:
        backlog.abandon(run)
        pushed.remove(run.id)
        failedTrees.insert(run.tree)
      }
    }
    setAlarm()
    pump()
  }

  /// What lies at a place is not at another one because both have been given one name, one after the other.
  private func noteAddresses() async throws(Failure) {
    let workflows = contexts.values.filter { !$0.workflow.isDryRun }
    var changes: [LedgerChange] = []
    for name in Set(workflows.flatMap { $0.destinations.map(\.name) }).sorted() {
      guard let address = ports.stores[name]?.url(of: ObjectKey([])) else { continue }
      let known = try await ports.ledger.address(of: name)
      if known == address { continue }
      if let known { logger.notice("the destination \(name) is now \(address): it was \(known)") }
      changes.append(.address(name, address))
    }
    if !changes.isEmpty { try await ports.ledger.commit(changes) }
  }
}
