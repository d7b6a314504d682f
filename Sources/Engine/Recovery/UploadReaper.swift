import Logging
import SlipwayModel

/// Ends multipart uploads of runs that are over, so that nothing of them is left at their destinations. Sends no request
/// where there are none.
struct UploadReaper: Sendable {
  let ports: EnginePorts
  let logger: Logger

  /// From one look for what unanswered requests have made to the next.
  static let interval = Duration.seconds(300)

  /// Those of `run`, or of all runs for nil. What cannot be ended now is told, and tried again at the next start; a
  /// destination that does not answer, or refuses, is asked once. One whose ID was never heard of is left to `sweep`.
  /// Throws a fatal failure alone: of the ledger.
  func reap(_ run: RunID?) async throws(Failure) {
    var unreachable: Set<DestinationName> = []
    for upload in try await ports.ledger.abandonedUploads(of: run) {
      if Task.isCancelled { return }
      if upload.id == nil {
        try await ports.ledger.commit([.unanswered(UnansweredUpload(upload)), .multipartEnded(upload)])
        continue
      }
      guard let store = ports.stores[upload.destination], !unreachable.contains(upload.destination) else { continue }
      do throws(Failure) {
        try await store.abandon(upload)
      } catch {
        if tell(error, upload.key, upload.destination) { unreachable.insert(upload.destination) }
        continue
      }
      try await ports.ledger.end(upload)
      logger.info(
        "ended a multipart upload", metadata: ["destination": "\(upload.destination)", "key": "\(upload.key)"])
    }
  }

  /// Looks for what has become of requests whose answers were never heard, again and again as long as one may still be
  /// on its way. Throws a fatal failure alone.
  func sweep() async throws(Failure) {
    var unreachable: Set<DestinationName> = []
    for upload in try await ports.ledger.unansweredUploads() {
      if Task.isCancelled { return }
      guard let store = ports.stores[upload.destination], !unreachable.contains(upload.destination),
        try await !isInUse(upload)
      else { continue }
      let isLast = upload.isExpired(at: ports.clock.now())
      do throws(Failure) {
        try await store.abandon(upload) { () throws(Failure) in try await isInUse(upload) }
      } catch {
        if tell(error, upload.key, upload.destination) { unreachable.insert(upload.destination) }
        guard isLast, error.kind == .permanent else { continue }
      }
      if isLast { try await ports.ledger.commit([.unansweredEnded(upload)]) }
    }
  }

  private func isInUse(_ upload: UnansweredUpload) async throws(Failure) -> Bool {
    try await ports.ledger.hasMultipartUpload(to: upload.key, at: upload.destination)
  }

  /// Whether the destination need not be asked for more.
  private func tell(_ failure: Failure, _ key: ObjectKey, _ destination: DestinationName) -> Bool {
    if Task.isCancelled { return true }
    logger.warning("\(failure.message)", metadata: ["destination": "\(destination)", "key": "\(key)"])
    return failure.kind != .permanent
  }
}
