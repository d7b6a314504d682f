import Engine
import SlipwayModel
import StatusServing

/// What is done for a request about runs, and what is said of it.
struct RunAnswers: Sendable {
  let control: any RunControl
  /// Whether an engine is under way that goes on with what is retried.
  let isUnderWay: Bool

  func retry(_ id: RunID) async throws(Failure) -> String {
    let run = try await control.retry(id)
    return "run \(run.id) \(isUnderWay ? "goes on" : "will go on when slipway runs"): \(run.tree.path)"
  }

  /// One that cannot be retried does not keep the others from it; the last one's refusal is thrown then.
  func retryFailed() async throws(Failure) -> String {
    var lines: [String] = []
    var refusals: [Failure] = []
    for id in try await control.allFailed() {
      do throws(Failure) {
        lines.append(try await retry(id))
      } catch {
        if error.kind == .fatal { throw error }
        refusals.append(error)
      }
    }
    if let last = refusals.last {
      throw Failure(
        last.kind, "retry", "\(refusals.count) of \(lines.count + refusals.count) failed runs", code: last.code,
        cause: last.message)
    }
    return lines.isEmpty ? "no run has failed whose tree still lies there" : lines.joined(separator: "\n")
  }

  func cancel(_ id: RunID) async throws(Failure) -> String {
    let cancelled = try await control.cancel(id)
    let left = cancelled.left.filter { $0.value.proven > 0 }.sorted { $0.key < $1.key }.map { name, counts in
      "\(name): \(counts.proven) files, \(ProgressLine.size(Double(counts.bytes))) stay"
    }
    return (["run \(id) is cancelled: \(cancelled.run.tree.path)"] + left).joined(separator: "\n")
  }

  func answer(_ request: ControlRequest) async -> ControlAnswer {
    do throws(Failure) {
      return ControlAnswer(.done, Array(try await text(for: request).utf8))
    } catch {
      return ControlAnswer(error)
    }
  }

  /// What only an engine can answer.
  private static let noEngine = Failure(
    .permanent, "ask", "the process that is under way", cause: "it runs no workflow")

  private func text(for request: ControlRequest) async throws(Failure) -> String {
    switch request {
    case .retry(let id): try await retry(id)
    case .retryFailed: try await retryFailed()
    case .cancel(let id): try await cancel(id)
    case .push, .health: throw Self.noEngine
    }
  }
}

extension ControlAnswer {
  init(_ failure: Failure) {
    let verdict: Verdict =
      switch failure.code {
      case RunRefusal.notThere: .notThere
      case RunRefusal.wrongState: .wrongState
      case RunRefusal.later, Failure.inUse: .later
      default: .failed
      }
    self.init(verdict, Array(failure.message.utf8))
  }
}
