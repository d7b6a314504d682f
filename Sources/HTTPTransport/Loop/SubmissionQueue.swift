import CLibcurl
import Glibc
import SlipwayModel
import Synchronization

/// The way to the loop's thread: what is to be sent, what is to be given up, and the order to stop. Any thread.
final class SubmissionQueue: Sendable {
  private struct State {
    var submitted: [Exchange] = []
    var cancelled: [Exchange] = []
    var isAsleep = false
    var isStopping = false

    /// Whether the loop sleeps and nobody has woken it yet.
    mutating func wakeUp() -> Bool {
      defer { isAsleep = false }
      return isAsleep
    }
  }

  /// An eventfd(2): readable when the loop is to wake. Open as long as anybody may write to it.
  let wakeDescriptor: Int32
  private let state = Mutex(State())

  init() throws(Failure) {
    wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeDescriptor >= 0 else { throw SystemProblem.failure("create", "an event descriptor") }
  }

  deinit {
    close(wakeDescriptor)
  }

  func submit(_ exchange: Exchange) {
    let (isRefused, mustWake) = state.withLock { state in
      if state.isStopping { return (true, false) }
      state.submitted.append(exchange)
      return (false, state.wakeUp())
    }
    if isRefused { exchange.finish(.failure(HTTPTransportError(.shutDown))) }
    if mustWake { wake() }
  }

  /// Before it was submitted, too.
  func cancel(_ exchange: Exchange) {
    exchange.cancel()
    let mustWake = state.withLock { state in
      state.cancelled.append(exchange)
      return state.wakeUp()
    }
    if mustWake { wake() }
  }

  func stop() {
    let mustWake = state.withLock { state in
      state.isStopping = true
      return state.wakeUp()
    }
    if mustWake { wake() }
  }

  /// What has come since the last call, in order. For the loop, which is awake from here on.
  func take(_ work: inout Work) {
    state.withLock { state in
      state.isAsleep = false
      swap(&state.submitted, &work.submitted)
      swap(&state.cancelled, &work.cancelled)
      work.isStopping = state.isStopping
    }
  }

  /// Whether there is nothing to do; if so, whoever comes next wakes the loop.
  func fallAsleep() -> Bool {
    state.withLock { state in
      state.isAsleep = state.submitted.isEmpty && state.cancelled.isEmpty && !state.isStopping
      return state.isAsleep
    }
  }

  /// The loop's own arrays: they change places with the queue's, and nothing is allocated.
  struct Work {
    var submitted: [Exchange] = []
    var cancelled: [Exchange] = []
    var isStopping = false
  }

  /// A full counter (EAGAIN) wakes as well; nothing else can fail on an open eventfd.
  private func wake() { eventfd_write(wakeDescriptor, 1) }
}
