import SlipwayModel

/// Runs that wait: for their time, or for a destination that is out.
extension Orchestrator {
  func setAlarm() {
    let times = [backlog.earliest, shared.outages?.nextProbe].compactMap { $0 }
    alarm.set(for: times.min(), ports.clock) { await self.ring($0) }
  }

  private func ring(_ now: Timestamp) {
    alarm.reset()
    wake(at: now)
  }

  func wake(at now: Timestamp) {
    backlog.wakeDue(at: now)
    backlog.unpark(shared.outages?.takeDue(at: now) ?? [])
    setAlarm()
    pump()
  }

  /// The run waits for its destinations, however long; one that somebody waits for tries them.
  func park(_ run: Run, _ out: Set<DestinationName>) {
    if pushed.contains(run.id) {
      backlog.goOn(run)
    } else if shared.outages?.wait(run.id, for: out.map { .init(of: run, $0) }) == true {
      backlog.park(run)
    } else {
      backlog.goOn(run)
    }
  }

  nonisolated func followOutages() async {
    guard let outages = shared.outages else { return }
    for await _ in outages.changes { await wake(at: ports.clock.now()) }
  }
}
