import Glibc
import SlipwayModel

/// The life of one running hook on a thread of its own: reads its output, watches its limits, ends what it leaves.
///
/// The hook's process is not reaped here, only seen to have ended: until the library reaps it, its number, and with it
/// its group and its session, can belong to nobody else.
struct HookSupervisor {
  struct Outcome: Sendable {
    /// `.timedOut` or `.cancelled`; nil if the process ended by itself.
    var stopped: HookResult.Ending?
    var output: [UInt8] = []
    /// What was killed after the hook's own process had ended.
    var leftOvers: Set<pid_t> = []
    var isSwept = true
  }

  /// How long output is read after the hook's process has ended.
  static let drainLimit = Duration.seconds(1)
  /// After a KILL, how soon it is sent again to what has been forked meanwhile.
  static let killInterval = Duration.milliseconds(100)
  /// Without a process descriptor (before Linux 5.3), how often the process is looked at.
  static let lookInterval = Duration.milliseconds(20)
  /// Longer limits than this are as good as none.
  static let longestLimit = Duration.seconds(1 << 32)
  static let chunkBytes = 64 * 1024
  /// Enough reads to empty a pipe of the largest size an unprivileged process may give it (1 MiB, pipe(7)).
  static let residueReads = 16

  private enum Phase {
    case running, terminating, killed
  }

  private let process: (pid: pid_t, descriptor: CInt)
  private let outputDescriptor: CInt
  private let cancellation: CancelSignal
  private let leftOvers: LeftOvers
  private let grace: Duration
  private var deadline: ContinuousClock.Instant
  private var phase = Phase.running
  private var isOutputOpen = true
  private var captured: CapturedOutput
  private var outcome = Outcome()
  private var chunk = [UInt8](repeating: 0, count: chunkBytes)

  /// The time limit counts from here.
  init(
    _ process: (pid: pid_t, descriptor: CInt), output: CInt, cancellation: CancelSignal, leftOvers: LeftOvers,
    timeout: Duration, grace: Duration, onLine: @escaping ([UInt8]) -> Void
  ) {
    self.process = process
    outputDescriptor = output
    self.cancellation = cancellation
    self.leftOvers = leftOvers
    self.grace = min(grace, Self.longestLimit)
    deadline = .now + min(timeout, Self.longestLimit)
    captured = CapturedOutput(onLine: onLine)
  }

  /// Blocks until the process has ended and nothing of it is left. Once.
  mutating func supervise() -> Outcome {
    while !hasEnded { takeTurn() }
    drain(until: .now + Self.drainLimit)
    (outcome.leftOvers, outcome.isSwept) = leftOvers.end()
    var reads = Self.residueReads
    while reads > 0, readOutput() { reads -= 1 }
    captured.finish()
    outcome.output = captured.tail
    return outcome
  }

  /// waitid(2) with WNOWAIT leaves the process to be reaped.
  private var hasEnded: Bool {
    var information = siginfo_t()
    let code = waitid(P_PID, id_t(process.pid), &information, WEXITED | WNOHANG | WNOWAIT)
    // No such child: the library will say so.
    return code == 0 ? information.si_signo != 0 : errno == ECHILD
  }

  private mutating func takeTurn() {
    let ready = wait(for: [outputToWatch, process.descriptor, cancelToWatch], until: nextLook)
    if ready[0] { _ = readOutput() }
    if ready[1] { return }
    if ready[2] { stop(.cancelled) }
    if ContinuousClock.now >= deadline { passDeadline() }
  }

  private var outputToWatch: CInt { isOutputOpen ? outputDescriptor : -1 }
  private var cancelToWatch: CInt { phase == .running ? cancellation.descriptor : -1 }
  private var nextLook: ContinuousClock.Instant {
    process.descriptor < 0 ? min(deadline, .now + Self.lookInterval) : deadline
  }

  private mutating func passDeadline() {
    switch phase {
    case .running: stop(.timedOut)
    case .terminating, .killed:
      phase = .killed
      deadline = .now + Self.killInterval
      signalEverything(SIGKILL)
    }
  }

  private mutating func stop(_ ending: HookResult.Ending) {
    guard phase == .running else { return }
    phase = .terminating
    outcome.stopped = ending
    deadline = .now + grace
    signalEverything(SIGTERM)
    // A stopped process takes notice of TERM only when it goes on.
    signalEverything(SIGCONT)
  }

  /// The group, and what is below the hook in groups and sessions of its own.
  private func signalEverything(_ signal: CInt) {
    kill(-process.pid, signal)
    for descendant in ProcessTable.descendants(of: process.pid) where descendant.group != process.pid {
      kill(descendant.pid, signal)
    }
  }

  private mutating func drain(until end: ContinuousClock.Instant) {
    while isOutputOpen, ContinuousClock.now < end {
      if wait(for: [outputDescriptor], until: end)[0] { _ = readOutput() }
    }
  }

  /// One chunk; whether there was one.
  private mutating func readOutput() -> Bool {
    let count = read(outputDescriptor, &chunk, chunk.count)
    if count > 0 {
      chunk.withUnsafeBytes { captured.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      return true
    }
    if count == 0 || (errno != EAGAIN && errno != EINTR) { isOutputOpen = false }
    return false
  }

  /// Which of the descriptors are readable or at their end; negative ones never are.
  private func wait(for descriptors: [CInt], until end: ContinuousClock.Instant) -> [Bool] {
    var requests = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let left = (end - .now).components
    let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
    let code = poll(&requests, nfds_t(requests.count), CInt(clamping: max(0, milliseconds)))
    return code > 0 ? requests.map { $0.revents != 0 } : descriptors.map { _ in false }
  }
}
