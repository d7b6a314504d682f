/// What is known of multipart uploads that are not over, so that a later attempt, or the next process, goes on with
/// them. The ledger is one. Every method may be called from any task, and again with the same arguments.
///
/// Throws a fatal failure where a record cannot be kept: no request may follow then.
public protocol UploadJournal: Sendable {
  /// The upload of this file of the run that was begun and has not ended, with its proven parts.
  func multipartUpload(
    of run: RunID, _ path: BytePath, at destination: DestinationName
  ) async throws(Failure) -> MultipartUpload?

  /// Durable when it returns. Called before the destination is asked for an upload, without an ID, and when it has
  /// answered, with it; in place of whatever was known of the file. `parts` are not looked at.
  func begin(_ upload: MultipartUpload) async throws(Failure)

  /// Survives the process, but perhaps not the machine's loss of power: the part is then found by asking the
  /// destination, or sent again.
  func prove(_ part: MultipartUpload.Part, of upload: MultipartUpload) async throws(Failure)

  /// The upload has been completed or abandoned: nothing of it is left at the destination. One with another token that
  /// has taken its place stays.
  func end(_ upload: MultipartUpload) async throws(Failure)

  /// A request for an upload was sent whose answer was never heard. What the destination may have made of it is looked
  /// for, and ended, later: the request may still be on its way. Durable when it returns.
  func leave(_ upload: UnansweredUpload) async throws(Failure)
}
