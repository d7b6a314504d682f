import Glibc

/// Turns signals into calls: blocked everywhere, awaited in one thread (sigwait(3)), so that no handler interrupts
/// anything.
enum SignalThread {
  private final class Start: Sendable {
    let signals: [Int32]
    let handle: @Sendable (Int32) -> Void

    init(signals: [Int32], handle: @escaping @Sendable (Int32) -> Void) {
      self.signals = signals
      self.handle = handle
    }
  }

  /// Blocks `signals` for this thread and all that it makes later; called first thing in the process.
  static func block(_ signals: [Int32]) {
    var set = Self.set(of: signals)
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Ignores SIGPIPE (a write tells it as EPIPE). Called first thing in the process.
  static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// Calls `handle` for each of `signals` that arrives, on a thread of its own that lives as long as the process.
  static func start(_ signals: [Int32], handle: @escaping @Sendable (Int32) -> Void) {
    let start = Unmanaged.passRetained(Start(signals: signals, handle: handle))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        var set = SignalThread.set(of: start.signals)
        while true {
          var signal: Int32 = 0
          if sigwait(&set, &signal) == 0 { start.handle(signal) }
        }
      }, start.toOpaque())
  }

  private static func set(of signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    return set
  }
}
