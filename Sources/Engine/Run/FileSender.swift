import Logging
import SlipwayModel

/// Sends one file to one destination, and says what has been proven.
struct FileSender: Sendable {
  let run: RunID
  let tree: BytePath
  let files: any TreeFiles
  /// The file itself, where the tree is one that is held open.
  var claim: (any FileClaim)?
  /// What each object is given, where the plan says nothing else of one.
  let attributes: ObjectAttributes
  /// They win over what the plan says.
  let hookTags: [String: String]
  let meter: TransferMeter
  let recorder: UploadRecorder
  /// Of uploads in parts.
  let journal: any UploadJournal
  let tally: AttemptTally
  let log: RunLog
  /// nil where the tree is no mirror.
  var changes: MirrorChanges?

  private var logger: Logger { log.logger }

  /// Whether the ledger takes nothing more: then nothing more is to be sent.
  var cannotRecord: Bool { recorder.hasFailed || tally.fatal != nil }

  /// Called from a task that may block; returns once the outcome is recorded. Nothing is recorded of what a cancelled
  /// task left undone.
  nonisolated(nonsending) func send(_ sending: UploadFeed.Sending) async {
    let destination = sending.target.name
    let status: UploadRecord.Status
    do throws(Problem) {
      let receipt = try await put(sending)
      status = .proven(receipt)
      meter.delivered()
      tally.delivered(to: destination, isSent: receipt.isSent)
      log.debug(
        "\(receipt.isSent ? "sent" : "found equal") \(sending.path)",
        metadata: ["destination": "\(destination)", "key": "\(sending.key)"])
    } catch {
      if Task.isCancelled { return }
      if let changes, changes.take(error.failure, ofSource: error.isOfSource, sending.path) {
        logger.info("\(error.failure.message)")
        return recorder.recordUnknown(sending.path, at: destination)
      }
      meter.failed()
      let isOut = tally.failed(error.failure, at: error.isOfSource ? nil : destination)
      logger.log(
        level: isOut ? .debug : .error, "\(error.failure.message)", metadata: ["destination": "\(destination)"])
      status = .failed(error.failure.message, isPermanent: error.failure.kind == .permanent)
    }
    await recorder.record(
      UploadRecord(
        run: run, destination: destination, path: sending.path, fingerprint: sending.planned.recorded, key: sending.key,
        status: status))
  }

  /// Whom a failure is put down to: the file, or the destination.
  private struct Problem: Error {
    let failure: Failure
    let isOfSource: Bool
  }

  nonisolated(nonsending) private func put(_ sending: UploadFeed.Sending) async throws(Problem) -> PutReceipt {
    let file = try ofSource { () throws(Failure) in try open(sending.path) }
    guard file.fingerprint == sending.planned.fingerprint else { throw changed(sending.path) }
    let receipt = try await put(file, sending)
    // What the name leads to now: a file put in its place has another inode, an edit in place other times or another
    // size; the same inode is what the descriptor shows, too.
    let now = try ofSource { () throws(Failure) in try file.fingerprintOfName() }
    guard now == sending.planned.fingerprint else { throw changed(sending.path) }
    return receipt
  }

  private func open(_ path: BytePath) throws(Failure) -> any OpenFile {
    if let claim { return try claim.open() }
    return try files.open(path, in: tree)
  }

  private func ofSource<Value>(_ read: () throws(Failure) -> Value) throws(Problem) -> Value {
    do throws(Failure) { return try read() } catch { throw Problem(failure: error, isOfSource: true) }
  }

  nonisolated(nonsending) private func put(
    _ file: any OpenFile, _ sending: UploadFeed.Sending
  ) async throws(Problem) -> PutReceipt {
    var attributes = attributes
    if !sending.planned.tags.isEmpty { attributes.tags = sending.planned.tags.merging(hookTags) { _, hooks in hooks } }
    let context = PutContext(
      run: run, destination: sending.target.name, path: sending.path, attributes: attributes, progress: meter,
      journal: journal, permits: sending.target.lane)
    do throws(Failure) {
      if let receipt = try await found(file, sending) { return receipt }
      return try await sending.target.store.put(file, at: sending.key, context)
    } catch {
      throw Problem(failure: error, isOfSource: error.isOfSource)
    }
  }

  /// What a mirror need not send: the destination has it, under this key or another one.
  nonisolated(nonsending) private func found(
    _ file: any OpenFile, _ sending: UploadFeed.Sending
  ) async throws(Failure) -> PutReceipt? {
    switch sending.approach {
    case .send, .replace: return nil
    case .compare(let known): return try await sending.target.store.recognise(file, at: sending.key, as: known)
    case .copy(let source, let receipt):
      do throws(Failure) {
        return try await sending.target.store.copy(source, to: sending.key, for: run).proving(receipt)
      } catch {
        log.debug("\(error.message)", metadata: ["destination": "\(sending.target.name)"])
        return nil
      }
    }
  }

  private func changed(_ path: BytePath) -> Problem {
    let failure = Failure(
      .transient(retryAfter: nil), "upload", tree.appending(path).description, code: Failure.sourceChanged,
      cause: "it changed while it was being sent", remedy: "it is sent again in the next attempt")
    return Problem(failure: failure, isOfSource: true)
  }
}

extension PutReceipt {
  /// What this receipt of a copy says together with that of its source; nil where it does not show that both are equal.
  fileprivate func proving(_ source: PutReceipt) -> PutReceipt? {
    let hasEqualETag = !etag.isEmpty && etag == source.etag
    let hasEqualChecksum = checksum != nil && checksum == source.checksum
    guard size == source.size, hasEqualETag || hasEqualChecksum else { return nil }
    return PutReceipt(size: size, etag: etag, checksum: source.checksum, isSent: false)
  }
}
