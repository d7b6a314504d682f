import Logging
import SlipwayModel

/// Ends multipart uploads of runs that are over, so that nothing of them is left at their destinations. Sends no request
/// where there are none.
struct UploadReaper: Sendable {
  let ports: EnginePorts
  let logger: Logger

  /// Those of `run`, or of all runs for nil. What cannot be ended now is told, and tried again at the next start; a
  /// destination that does not answer, or refuses, is asked once.
  /// Throws a fatal failure alone: of the ledger.
  func reap(_ run: RunID?) async throws(Failure) {
    var unreachable: Set<DestinationName> = []
    for upload in try await ports.ledger.abandonedUploads(of: run) {
      if Task.isCancelled { return }
      guard let store = ports.stores[upload.destination], !unreachable.contains(upload.destination) else { continue }
      do throws(Failure) {
        try await store.abandon(upload)
      } catch {
        logger.warning("\(error.message)", metadata: ["destination": "\(upload.destination)", "key": "\(upload.key)"])
        if error.kind != .permanent { unreachable.insert(upload.destination) }
        continue
      }
      try await ports.ledger.end(upload)
      logger.info(
        "ended a multipart upload", metadata: ["destination": "\(upload.destination)", "key": "\(upload.key)"])
    }
  }
}
