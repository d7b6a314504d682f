import HTTPTransport
import S3Client
import SlipwayModel
import Synchronization

/// One file that is sent in parts: taken up where the journal says, sent by several lanes, completed.
///
/// What is written down before which request: the intent before an upload is asked for, its ID before the first part,
/// each part when it is proven. That the upload is over is written down last, behind the tags of its object where these
/// take a request of their own: whoever finds it completed gives them once more. A process that dies between leaves an
/// upload with an ID, which the next one goes on with, or one without a part, which is left to be looked for.
struct MultipartPut {
  let client: S3Client
  let file: any OpenFile
  let key: ObjectKey
  let context: PutContext
  let reader: ContentReader
  let now: @Sendable () -> Timestamp

  /// So many uploads are begun for one put: the server may lose one, or refuse to complete it.
  private static let uploadsMax = 2

  /// Any task that may block.
  func run() async throws(Failure) -> PutReceipt {
    var failure: Failure?
    for _ in 0..<Self.uploadsMax {
      let upload: MultipartUpload
      let condition: WriteCondition
      switch try await takeUp() {
      case .completed(let receipt): return receipt
      case .open(let open, let found): (upload, condition) = (open, found)
      }
      do throws(S3Error) {
        return try await finish(upload, condition)
      } catch {
        guard Self.needsAnother(error) else { throw error.failure }
        failure = error.failure
        try await giveUp(upload)
      }
    }
    // The next attempt begins another one.
    throw failure?.mayPass ?? sourceChanged
  }

  private enum State {
    case open(MultipartUpload, WriteCondition)
    case completed(PutReceipt)
  }

  /// Whether the upload is of no use any more, and another one may go well. The server may have lost a part that was
  /// proven.
  private static func needsAnother(_ error: S3Error) -> Bool {
    S3Client.isOver(error) || ["ConditionalRequestConflict", "InvalidPart"].contains(error.code)
  }
}

/// Beginning, or going on.
extension MultipartPut {
  private func takeUp() async throws(Failure) -> State {
    let journal = context.journal
    let known = try await journal.multipartUpload(of: context.run, context.path, at: context.destination)
    let held: State? = if let known { try await resume(known) } else { nil }
    var upload: MultipartUpload?
    switch held {
    case .completed(let receipt): return .completed(receipt)
    case .open(let open, _): upload = open
    case nil: break
    }
    let partSize = if let upload { upload.partSize } else { try plan().partSize }
    switch try await decide(partSize) {
    case .delivered(let receipt):
      if receipt.isSent { try await restoreTags() }
      if let upload { try await giveUp(upload) }
      return .completed(receipt)
    case .send(let condition):
      if let upload { return .open(upload, condition) }
      return .open(try await begin(partSize), condition)
    }
  }

  /// What has become of an upload that was begun earlier; nil if it is of no use.
  private func resume(_ known: MultipartUpload) async throws(Failure) -> State? {
    guard known.key == key, known.fingerprint.matchesAcrossProcesses(file.fingerprint), hasOurProofs(known),
      let id = known.id
    else {
      try await giveUp(known)
      return nil
    }
    do throws(S3Error) {
      let listed = try await client.listParts(key, id)
      return .open(Self.verified(known, by: listed), .any)
    } catch {
      if S3Client.isOver(error) { return try await resolve(known) }
      // Credentials that may only write: what the server has lost of the parts, the completion tells.
      if error.status == 403 { return .open(known, .any) }
      throw error.failure
    }
  }

  /// Whether the parts were proven by the checksum that the destination asks for now. Without a part that is not known,
  /// and nothing is lost.
  private func hasOurProofs(_ upload: MultipartUpload) -> Bool {
    !upload.parts.isEmpty && upload.parts.allSatisfy { $0.checksum.count == client.proof.checksumLength }
  }

  private func decide(_ partSize: Int64) async throws(Failure) -> MultipartDecision {
    let token = try uploadToken(file.fingerprint, context)
    do throws(S3Error) {
      return try await client.decide(key, size: file.fingerprint.size, partSize: partSize, token: token) {
        () throws(Failure) in
        try proofs(partSize)
      }
    } catch {
      throw error.failure
    }
  }

  /// The parts of the file as they would be proven.
  private func proofs(_ partSize: Int64) throws(Failure) -> [MultipartUpload.Part] {
    let plan = PartPlan(size: file.fingerprint.size, partSize: partSize)
    var parts: [MultipartUpload.Part] = []
    while parts.count < plan.count {
      let first = parts.count + 1
      let group = first..<first + reader.groupSize(of: plan.count - parts.count)
      let digests = try reader.digests(of: file, group.map { plan.range(of: $0) }, key)
      parts += zip(group, digests).map { client.part($0, $1) }
    }
    return parts
  }

  /// Parts count that both the journal and the server know, with one ETag and the right size.
  private static func verified(_ upload: MultipartUpload, by listed: [ListedPart]) -> MultipartUpload {
    let held = Dictionary(listed.map { ($0.number, $0) }) { _, later in later }
    let plan = PartPlan(size: upload.fingerprint.size, partSize: upload.partSize)
    var upload = upload
    upload.parts = upload.parts.filter { part in
      guard 1...plan.count ~= part.number, let other = held[part.number] else { return false }
      return other.etag == part.etag && other.size == Int64(plan.range(of: part.number).count)
    }
    return upload
  }

  /// The server does not know the upload: it was completed, or it is lost.
  private func resolve(_ upload: MultipartUpload) async throws(Failure) -> State? {
    let plan = PartPlan(size: upload.fingerprint.size, partSize: upload.partSize)
    var receipt: PutReceipt?
    if upload.parts.count == plan.count {
      do throws(S3Error) {
        receipt = try await client.completedEarlier(upload, size: plan.size)
      } catch {
        throw error.failure
      }
    }
    if receipt != nil { try await restoreTags() }
    try await context.journal.end(upload)
    return receipt.map { .completed($0) }
  }

  private func plan() throws(Failure) -> PartPlan {
    if let plan = PartPlan(size: file.fingerprint.size, wishedPartSize: client.partSize) { return plan }
    throw Failure(
      .permanent, "upload", client.subject(key), code: "EntityTooLarge",
      cause: "it has \(file.fingerprint.size) bytes, and \(PartPlan.partsMax) parts take at most "
        + "\(PartPlan.partsMax * PartPlan.partSizeMax)")
  }

  private func begin(_ partSize: Int64) async throws(Failure) -> MultipartUpload {
    var upload = MultipartUpload(
      run: context.run, destination: context.destination, path: context.path, key: key, fingerprint: file.fingerprint,
      token: "\(try uploadToken(file.fingerprint, context))-\(String(UInt64.random(in: .min ... .max), radix: 16))",
      partSize: partSize, begun: now())
    try await context.journal.begin(upload)
    let repetition = Repetition()
    do throws(S3Error) {
      upload.id = try await client.createMultipartUpload(key, token: upload.token, attributes: context.attributes) {
        repetition.note()
      }
    } catch {
      if !repetition.hasHappened, Self.hasMadeNothing(error) { try await context.journal.end(upload) }
      throw error.failure
    }
    if repetition.hasHappened { try await context.journal.leave(UnansweredUpload(upload)) }
    try await context.journal.begin(upload)
    return upload
  }

  /// Whether the request for an upload has been refused, or was never sent. (408 and a conflict leave it open.)
  private static func hasMadeNothing(_ error: S3Error) -> Bool {
    error.failure.isUnreachable || 400..<500 ~= error.status && error.status != 408 && error.status != 409
  }

  /// Ends an upload that is not gone on with, and forgets it.
  private func giveUp(_ upload: MultipartUpload) async throws(Failure) {
    try await abandon(upload)
    try await context.journal.end(upload)
  }

  /// Credentials that may not end it leave it where it is: it must not keep the file from being sent.
  func abandon(_ upload: MultipartUpload) async throws(Failure) {
    guard let id = upload.id else { return try await context.journal.leave(UnansweredUpload(upload)) }
    do throws(S3Error) {
      try await client.abandon(key, id, token: upload.token)
    } catch {
      if error.status != 403 { throw error.failure }
    }
  }
}

/// Sending and completing.
extension MultipartPut {
  private func finish(_ upload: MultipartUpload, _ condition: WriteCondition) async throws(S3Error) -> PutReceipt {
    let sending = PartSending(upload, size: file.fingerprint.size) { [reader] in reader.groupSize(of: $0) }
    await send(sending)
    if let error = sending.failure { throw try told(error) }
    if Task.isCancelled { throw S3Error(cancelled) }
    let unchanged: Bool
    do throws(Failure) { unchanged = try file.currentFingerprint() == file.fingerprint } catch { throw S3Error(error) }
    guard unchanged else {
      do throws(Failure) { try await giveUp(upload) } catch { throw S3Error(error) }
      throw S3Error(sourceChanged)
    }
    return try await complete(sending.upload, condition)
  }

  /// A file that changes under the server's eyes looks like damage on the way.
  private func told(_ error: S3Error) throws(S3Error) -> S3Error {
    guard case .transient = error.kind else { return error }
    do throws(Failure) {
      return try file.currentFingerprint() == file.fingerprint ? error : S3Error(sourceChanged)
    } catch {
      return S3Error(error)
    }
  }

  private var sourceChanged: Failure {
    Failure(
      .transient(retryAfter: nil), "upload", client.subject(key), code: Failure.sourceChanged,
      cause: "the file changed while it was sent")
  }

  private var cancelled: Failure {
    Failure(.transient(retryAfter: nil), "upload", client.subject(key), code: "Cancelled", cause: "it was stopped")
  }
}

/// Whether a request was sent more than once. Any thread.
private final class Repetition: Sendable {
  private let flag = Atomic<Bool>(false)

  var hasHappened: Bool { flag.load(ordering: .acquiring) }
  func note() { flag.store(true, ordering: .releasing) }
}
