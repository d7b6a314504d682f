import ArgumentParser
import Engine
import SlipwayModel

/// The worst of how pushed runs stand.
struct PushOutcome {
  /// For trees that somebody named: what was cancelled has not been delivered.
  let countsCancelled: Bool
  private var hasFailed = false
  private var isUnfinished = false

  init(countsCancelled: Bool) {
    self.countsCancelled = countsCancelled
  }

  /// nil: its row is gone, and with it what became of it.
  mutating func add(_ run: Run?) {
    switch run?.state {
    case .done, .skipped: break
    case .failed, nil: hasFailed = true
    case .cancelled: hasFailed = hasFailed || countsCancelled
    default: isUnfinished = true
    }
  }

  var code: ExitCode { hasFailed ? Exit.failure : isUnfinished ? Exit.tryAgain : Exit.success }
}

extension PushedRuns {
  /// A number, then an ID a line.
  var answer: String { (["\(unseen)"] + runs.map(\.text)).joined(separator: "\n") }

  init(answer: String) {
    let lines = answer.split(separator: "\n")
    // What cannot be read was not looked at.
    self.init(runs: lines.dropFirst().map { RunID(String($0)) }, unseen: lines.first.flatMap { Int($0) } ?? 1)
  }
}
