import SlipwayModel

/// Who does what a person wants of runs: the engine that is under way, or the ledger's keeper where none is.
public protocol RunControl: Sendable {
  /// The failed runs that are the latest of their trees and whose trees still lie there, oldest first.
  func allFailed() async throws(Failure) -> [RunID]

  /// A failed run goes on where it failed. Throws a refusal if it has not failed, or if its tree is gone, has had a
  /// later run or is in one. Not idempotent: the second call is refused.
  func retry(_ id: RunID) async throws(Failure) -> Run

  /// Ends a run that is not over: no hook is run for it any more, and its multipart uploads are ended. What has arrived
  /// of it stays. Throws a refusal if it is over.
  func cancel(_ id: RunID) async throws(Failure) -> CancelledRun
}

public struct CancelledRun: Sendable {
  public let run: Run
  /// What had arrived of it, and stays.
  public let left: [DestinationName: UploadCounts]
}
