/// When libcurl wants to be called next without any socket having spoken. For the loop's thread.
final class LoopTimer {
  private var deadline: Int64?

  /// As CURLMOPT_TIMERFUNCTION gives it: -1 for never.
  func set(_ milliseconds: Int) {
    deadline = milliseconds < 0 ? nil : milliseconds == 0 ? 0 : monotonicNanoseconds() + Int64(milliseconds) * 1_000_000
  }

  /// Whether the time has come; it is told once.
  func takeDue() -> Bool {
    guard let deadline, deadline == 0 || deadline <= monotonicNanoseconds() else { return false }
    self.deadline = nil
    return true
  }

  /// For epoll_wait: -1 for ever. Rounded up, so that it does not wake a moment too early, over and over.
  var millisecondsLeft: Int32 {
    guard let deadline else { return -1 }
    return deadline == 0 ? 0 : Int32(clamping: max(0, (deadline - monotonicNanoseconds() + 999_999) / 1_000_000))
  }
}
