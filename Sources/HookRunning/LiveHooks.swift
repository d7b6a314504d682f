import Glibc
import SlipwayModel
import Synchronization

/// The hooks of this process that have begun and are not yet reaped: whoever ends orphans must leave theirs alone.
///
/// One for the process, as its children are, however many runners there are.
final class LiveHooks: Sendable {
  struct Hook: Sendable {
    let run: RunID
    /// No process of this hook is older: clock ticks since the start of the machine, as /proc/PID/stat counts them.
    let began: UInt64
    /// nil until it has been started. It leads the hook's session.
    var pid: pid_t?
    /// Nothing is left of it but its own process: it will not look for orphans again.
    var isSwept = false
  }

  /// What a hook is registered by.
  struct Token: Hashable, Sendable {
    fileprivate let number: UInt64
  }

  static let ofThisProcess = LiveHooks()

  private struct State {
    var last: UInt64 = 0
    var hooks: [Token: Hook] = [:]
  }

  private let state = Mutex(State())

  /// Must be called before the process is started.
  func begin(_ run: RunID) -> Token {
    let began = Self.ticksNow()
    return state.withLock { state in
      state.last += 1
      let token = Token(number: state.last)
      state.hooks[token] = Hook(run: run, began: began, pid: nil)
      return token
    }
  }

  func started(_ token: Token, pid: pid_t) {
    state.withLock { $0.hooks[token]?.pid = pid }
  }

  func swept(_ token: Token) {
    state.withLock { $0.hooks[token]?.isSwept = true }
  }

  /// Must not be called before the process is reaped: until then another hook's sweep would take it for an orphan.
  func end(_ token: Token) {
    state.withLock { _ = $0.hooks.removeValue(forKey: token) }
  }

  func snapshot() -> [Token: Hook] {
    state.withLock { $0.hooks }
  }

  private static func ticksNow() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    let ticksPerSecond = UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
    return UInt64(now.tv_sec) * ticksPerSecond + UInt64(now.tv_nsec) * ticksPerSecond / 1_000_000_000
  }
}
