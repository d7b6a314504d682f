import CLibc
import Glibc
import Logging
import SlipwayModel
import Synchronization

/// A plugin that can be asked from anywhere. Its process is started by the first request, and again where it dies; what
/// was asked and not answered then fails, and is asked again by nobody but the caller.
final class PluginConnection: Sendable {
  /// For messages.
  let subject: String
  private let plan: PluginLoop.Plan
  private let last = Atomic<UInt64>(0)
  private let state = Mutex(State.new)

  private enum State {
    case new
    case running(PluginInbox, pthread_t)
    case closed
  }

  init(_ plan: PluginLoop.Plan) {
    self.plan = plan
    subject = plan.subject
  }

  deinit { endLater() }

  /// The answer, which is ok, or the failure that the plugin tells. Throws also where it is not answered in time, and at
  /// once where the task is cancelled.
  nonisolated(nonsending) func ask(_ request: PluginRequest) async throws(Failure) -> PluginAnswer {
    let inbox = try inbox(request)
    let id = last.wrappingAdd(1, ordering: .relaxed).newValue
    let stopped = plan.stopped(request)
    let result: Result<PluginAnswer, Failure> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if !inbox.ask(PluginTicket(id: id, request: request) { continuation.resume(returning: $0) }) {
          return continuation.resume(returning: .failure(stopped))
        }
        // Cancelled before it was asked: the handler has come too early.
        if Task.isCancelled { inbox.cancel(id) }
      }
    } onCancel: {
      inbox.cancel(id)
    }
    let answer = try result.get()
    if answer.isOK { return answer }
    throw answer.failure(request.operation, subject(request))
  }

  /// What messages call the thing that a request is about.
  func subject(_ request: PluginRequest) -> String { plan.subject(request) }

  /// Has the process ended once everything is answered, or at once what is not; nobody waits for it here.
  func beginClosing() {
    state.withLock { if case .running(let inbox, _) = $0 { inbox.close() } else { $0 = .closed } }
  }

  /// The same, and waits until nothing of the process is left. May be called twice. Blocks.
  func close() {
    beginClosing()
    let thread: pthread_t? = state.withLock { state in
      guard case .running(_, let thread) = state else { return nil }
      state = .closed
      return thread
    }
    if let thread { pthread_join(thread, nil) }
  }

  /// What the plugin has said of itself, once it has been asked anything.
  var greeting: PluginGreeting? { plan.live.greeting }

  /// Kills the process and its group, and waits for nothing: for a process that ends now.
  func kill() { plan.live.kill() }

  private func endLater() {
    state.withLock { state in
      guard case .running(let inbox, let thread) = state else { return }
      inbox.close()
      pthread_detach(thread)
      state = .closed
    }
  }

  private func inbox(_ request: PluginRequest) throws(Failure) -> PluginInbox {
    try state.withLock { state throws(Failure) in
      switch state {
      case .running(let inbox, _): return inbox
      case .closed: throw plan.stopped(request)
      case .new:
        let inbox = try PluginInbox(subject)
        state = .running(inbox, try PluginThread.start(subject, PluginLoop(plan, inbox)))
        return inbox
      }
    }
  }
}

/// The thread of a plugin.
private enum PluginThread {
  static func start(_ subject: String, _ loop: sending PluginLoop) throws(Failure) -> pthread_t {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(loop)
    let code = pthread_create(&thread, nil, runPluginLoop, box.toOpaque())
    if code == 0 { return thread }
    box.release()
    throw PluginCommand.notStarted(code, subject)
  }
}

private func runPluginLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  // Signals are for other threads, and a write to a plugin that reads no more must not end the process by SIGPIPE.
  var all = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_BLOCK, &all, nil)
  _ = slipway_name_thread("slipway-plugin")
  Unmanaged<PluginLoop>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}

/// The process that is there now, and what it has said of itself; for other threads.
final class LivePlugin: Sendable {
  private let pid = Mutex<pid_t>(0)
  private let said = Mutex<PluginGreeting?>(nil)

  /// Of the last process that has greeted.
  var greeting: PluginGreeting? {
    get { said.withLock { $0 } }
    set { said.withLock { $0 = newValue } }
  }

  /// Before it is reaped: 0.
  func set(_ number: pid_t) { pid.withLock { $0 = number } }

  func kill() {
    pid.withLock { if $0 > 0 { _ = Glibc.kill(-$0, SIGKILL) } }
  }
}
