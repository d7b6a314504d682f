import Logging
import SlipwayModel

/// Sends one file to one destination, and says what has been proven.
struct FileSender: Sendable {
  let run: RunID
  let tree: BytePath
  let files: any TreeFiles
  let attributes: ObjectAttributes
  let meter: TransferMeter
  let recorder: UploadRecorder
  /// Of uploads in parts.
  let journal: any UploadJournal
  let tally: AttemptTally
  let logger: Logger

  /// Called from a task that may block; returns once the outcome is recorded. Nothing is recorded of what a cancelled
  /// task left undone.
  func send(_ sending: UploadFeed.Sending) async {
    let (path, planned, destination) = (sending.path, sending.planned, sending.destination)
    let key = joinedKey(destination.prefix, planned.key.bytes)
    let status: UploadRecord.Status
    do throws(Failure) {
      status = .proven(try await put(planned.fingerprint, key, sending))
      meter.delivered()
      tally.delivered(to: destination.name)
      logger.debug("sent \(path)", metadata: ["destination": "\(destination.name)", "key": "\(key)"])
    } catch {
      if Task.isCancelled { return }
      meter.failed()
      tally.failed(error, at: destination.name)
      logger.error("\(error.message)", metadata: ["destination": "\(destination.name)"])
      status = .failed(error.message, isPermanent: error.kind == .permanent)
    }
    await recorder.record(
      UploadRecord(
        run: run, destination: destination.name, path: path, fingerprint: planned.fingerprint, key: key, status: status)
    )
  }

  private func put(
    _ planned: Fingerprint, _ key: ObjectKey, _ sending: UploadFeed.Sending
  ) async throws(Failure) -> PutReceipt {
    let path = sending.path
    let file = try files.open(path, in: tree)
    guard file.fingerprint == planned else { throw changed(path) }
    let context = PutContext(
      run: run, destination: sending.destination.name, path: path, attributes: attributes, progress: meter,
      journal: journal, permits: sending.lane)
    let receipt = try await sending.store.put(file, at: key, context)
    // What the name leads to now: a file put in its place has another inode, an edit in place other times or another
    // size; the same inode is what the descriptor shows, too.
    guard try file.fingerprintOfName() == planned else { throw changed(path) }
    return receipt
  }

  private func changed(_ path: BytePath) -> Failure {
    Failure(
      .transient(retryAfter: nil), "upload", tree.appending(path).description, code: Failure.sourceChanged,
      cause: "it changed while it was being sent", remedy: "it is sent again in the next attempt")
  }
}
