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
  nonisolated(nonsending) func send(_ sending: UploadFeed.Sending) async {
    let destination = sending.target.name
    let status: UploadRecord.Status
    do throws(Failure) {
      let receipt = try await put(sending)
      status = .proven(receipt)
      meter.delivered()
      tally.delivered(to: destination, isSent: receipt.isSent)
      logger.debug(
        "\(receipt.isSent ? "sent" : "found equal") \(sending.path)",
        metadata: ["destination": "\(destination)", "key": "\(sending.key)"])
    } catch {
      if Task.isCancelled { return }
      meter.failed()
      tally.failed(error, at: destination)
      logger.error("\(error.message)", metadata: ["destination": "\(destination)"])
      status = .failed(error.message, isPermanent: error.kind == .permanent)
    }
    await recorder.record(
      UploadRecord(
        run: run, destination: destination, path: sending.path, fingerprint: sending.fingerprint, key: sending.key,
        status: status))
  }

  nonisolated(nonsending) private func put(_ sending: UploadFeed.Sending) async throws(Failure) -> PutReceipt {
    let file = try files.open(sending.path, in: tree)
    guard file.fingerprint == sending.fingerprint else { throw changed(sending.path) }
    let context = PutContext(
      run: run, destination: sending.target.name, path: sending.path, attributes: attributes, progress: meter,
      journal: journal, permits: sending.target.lane)
    let receipt = try await sending.target.store.put(file, at: sending.key, context)
    // What the name leads to now: a file put in its place has another inode, an edit in place other times or another
    // size; the same inode is what the descriptor shows, too.
    guard try file.fingerprintOfName() == sending.fingerprint else { throw changed(sending.path) }
    return receipt
  }

  private func changed(_ path: BytePath) -> Failure {
    Failure(
      .transient(retryAfter: nil), "upload", tree.appending(path).description, code: Failure.sourceChanged,
      cause: "it changed while it was being sent", remedy: "it is sent again in the next attempt")
  }
}
