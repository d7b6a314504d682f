import Logging
import SlipwayModel

/// Ends multipart uploads of runs that are over, so that nothing of them is left at their destinations. Sends no request
/// where there are none.
struct UploadReaper: Sendable {
  let ports: EnginePorts
  let logger: Logger

  /// From one look to the next in the service.
  static let interval = Duration.seconds(300)

  /// Those of `run`, or of all runs for nil. What cannot be ended now is told, and tried again in the service, or at the next
  /// start; a destination that does not answer, or takes nothing, is asked once. One whose ID was never heard of is left to
  /// `sweep`. Throws a fatal failure alone: of the ledger.
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
        logger.info(
          "ended a multipart upload", metadata: ["destination": "\(upload.destination)", "key": "\(upload.key)"])
      } catch {
        guard tell(error, upload.key, upload.destination) else {
          unreachable.insert(upload.destination)
          continue
        }
      }
      try await ports.ledger.end(upload)
    }
  }

  /// Looks for what has become of requests whose answers were never heard, again and again as long as one may still be
  /// on its way. Throws a fatal failure alone.
  func sweep() async throws(Failure) {
    var unreachable: Set<DestinationName> = []
    for upload in try await ports.ledger.unansweredUploads() {
      if Task.isCancelled { return }
      let now = ports.clock.now()
      var isOver = upload.isGivenUp(at: now)
      if let store = ports.stores[upload.destination], !unreachable.contains(upload.destination) {
        if try await isInUse(upload) { continue }
        do throws(Failure) {
          try await store.abandon(upload) { () throws(Failure) in try await isInUse(upload) }
          isOver = isOver || upload.isExpired(at: now)
        } catch {
          if tell(error, upload.key, upload.destination) {
            isOver = isOver || upload.isExpired(at: now)
          } else {
            unreachable.insert(upload.destination)
          }
        }
      }
      if isOver { try await ports.ledger.commit([.unansweredEnded(upload)]) }
    }
  }

  private func isInUse(_ upload: UnansweredUpload) async throws(Failure) -> Bool {
    try await ports.ledger.hasMultipartUpload(to: upload.key, at: upload.destination)
  }

  /// Whether the same would fail later as well, so that what is there is left to whoever may end it; else the destination
  /// need not be asked for more now.
  private func tell(_ failure: Failure, _ key: ObjectKey, _ destination: DestinationName) -> Bool {
    if Task.isCancelled { return false }
    logger.warning("\(failure.message)", metadata: ["destination": "\(destination)", "key": "\(key)"])
    // A refusal may be one of this operation, or of this key.
    return failure.kind == .permanent || ["AccessDenied", "HTTP403"].contains(failure.code)
  }
}
