import Glibc
import SlipwayModel
import Synchronization

/// Finds and ends what a hook has left running, also what has left its session: as a child subreaper this process adopts
/// every process whose parent is gone.
///
/// A child of ours that is no hook itself belongs to a hook by its session, else by the SLIPWAY_RUN_ID it was started
/// with. One that shows neither may come from any hook that began before it: the last of those to end takes it along.
/// A dead one shows little, and needs none of it: whosever it was, it is only reaped.
/// A child in our own session is none of a hook's: a session once left cannot be joined again.
struct LeftOvers {
  let hook: LiveHooks.Token
  let pid: pid_t
  let run: RunID
  let live: LiveHooks

  /// How long one hook's end waits for processes that have been killed.
  static let limit = Duration.seconds(15)

  /// Two sweeps at a time could reap under each other's hands, and kill a process that has got the number since.
  private static let sweeping = Mutex(())

  /// Kills and reaps until nothing is left. Must be called while the hook's own process is not reaped, so that its
  /// number means nothing else. Blocks. The pids are those that were alive; `isComplete` is false after the limit.
  func end() -> (pids: Set<pid_t>, isComplete: Bool) {
    kill(-pid, SIGKILL)
    var ended: Set<pid_t> = []
    let deadline = ContinuousClock.now + Self.limit
    var pause = Duration.microseconds(200)
    while true {
      let found = Self.sweeping.withLock { _ in
        let found = sweep()
        // Still under the lock: from here on another hook must not leave an orphan to this one.
        if found.isEmpty { live.swept(hook) }
        return found
      }
      ended.formUnion(found.filter { $0.verdict == .mine && !$0.entry.isZombie }.map(\.entry.pid))
      if found.isEmpty { return (ended, true) }
      if ContinuousClock.now > deadline { return (ended, false) }
      suspend(for: pause)
      pause = min(pause * 2, .milliseconds(20))
    }
  }

  private enum Verdict {
    case mine
    /// Soon to be known: it may be a hook itself that is dead before its number is registered, or is just being executed.
    case undecided
    case another
  }

  /// Kills what there is and reaps what has died; tells what to look for again. What was found dead counts, too: its
  /// own children have come to us.
  private func sweep() -> [(entry: ProcessEntry, verdict: Verdict)] {
    // In this order, so that a hook that starts meanwhile is known: the children are listed, then read, then judged.
    let known = Set(live.snapshot().values.compactMap(\.pid))
    let entries = ProcessTable.children().subtracting(known).compactMap(ProcessEntry.init(pid:))
    if entries.isEmpty { return [] }
    let hooks = live.snapshot()
    return entries.compactMap { entry in
      let verdict = verdict(on: entry, among: hooks)
      if verdict == .mine {
        kill(entry.pid, SIGKILL)
        // Never for any child: that would take a result from under the library that waits for it.
        waitpid(entry.pid, nil, WNOHANG)
      }
      return verdict == .another ? nil : (entry, verdict)
    }
  }

  private func verdict(on entry: ProcessEntry, among hooks: [LiveHooks.Token: LiveHooks.Hook]) -> Verdict {
    guard entry.parent == getpid(), entry.session != getsid(0) else { return .another }
    if hooks.values.contains(where: { $0.pid == entry.pid }) { return .another }
    let others = hooks.filter { $0.key != hook }.map(\.value)
    if entry.isZombie {
      let mayBeHook = entry.session == entry.pid && others.contains { $0.pid == nil && $0.began <= entry.began }
      return mayBeHook ? .undecided : .mine
    }
    return verdict(onLiving: entry, begunAfter: hooks[hook]?.began ?? 0, among: others)
  }

  private func verdict(
    onLiving entry: ProcessEntry, begunAfter began: UInt64, among others: [LiveHooks.Hook]
  ) -> Verdict {
    if entry.session == pid { return .mine }
    if others.contains(where: { $0.pid == entry.session }) { return .another }
    switch ProcessTable.variable("SLIPWAY_RUN_ID", of: entry.pid) {
    case .value(let marked):
      if others.contains(where: { Array($0.run.text.utf8) == marked }) { return .another }
      if marked == Array(run.text.utf8) { return .mine }
    case .unset: break
    case .unknown: return .undecided
    }
    let mayBeOthers = entry.began < began || others.contains { !$0.isSwept && $0.began <= entry.began }
    return mayBeOthers ? .another : .mine
  }

  private func suspend(for pause: Duration) {
    var time = timespec(tv_sec: 0, tv_nsec: Int(pause.components.attoseconds / 1_000_000_000))
    nanosleep(&time, nil)
  }
}
