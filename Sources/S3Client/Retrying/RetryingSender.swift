import HTTPTransport
import SlipwayModel

/// Sends a request again when that may help: the one place where single requests are repeated, so that one part is
/// sent again and not the file. The body is read anew from its beginning each time.
package final class RetryingSender: RequestSender {
  private let next: any RequestSender
  private let retry: RequestRetry
  private let budget = RetryBudget()
  private let sleep: @Sendable (Duration) async throws -> Void

  /// `sleep` throws when the task is cancelled.
  package init(
    _ next: any RequestSender, retry: RequestRetry = RequestRetry(),
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.next = next
    self.retry = retry
    self.sleep = sleep
  }

  nonisolated(nonsending) package func send(_ request: S3Request) async throws(S3Error) -> HTTPResponse {
    var failed = 0
    var paid = 1
    while true {
      do throws(S3Error) {
        let response = try await next.send(request)
        budget.giveBack(paid)
        return response
      } catch {
        failed += 1
        guard !request.finalCodes.contains(error.code),
          let wait = retry.wait(after: error, failed: failed, jitter: .random(in: 0...1)),
          let kind = RequestRetry.classify(error), budget.take(kind.cost), await waits(wait)
        else { throw error }
        paid = kind.cost
        request.onRepeat?()
      }
    }
  }

  /// False if the task was cancelled meanwhile: the error then tells more than the cancellation.
  nonisolated(nonsending) private func waits(_ duration: Duration) async -> Bool {
    do {
      try await sleep(duration)
      return true
    } catch {
      return false
    }
  }
}
