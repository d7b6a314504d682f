import S3Client
import SlipwayModel
import Synchronization

/// Which parts of an upload are still to be sent, and what has become of the others. Any task.
final class PartSending: Sendable {
  private struct State {
    var missing: ArraySlice<Int>
    var parts: [MultipartUpload.Part]
    /// The lane that begins the sending among them.
    var lanes = 1
    var failure: S3Error?
  }

  /// Parts of one file in flight at the most.
  static let lanesMax = 8

  let plan: PartPlan
  /// As it was taken up: without the parts that are proven meanwhile.
  let open: MultipartUpload
  private let state: Mutex<State>

  /// The parts that `upload` has are not sent again.
  init(_ upload: MultipartUpload, size: Int64) {
    open = upload
    plan = PartPlan(size: size, partSize: upload.partSize)
    let held = Set(upload.parts.map(\.number))
    let missing = (1...plan.count).filter { !held.contains($0) }
    state = Mutex(State(missing: missing[...], parts: upload.parts))
  }

  /// With all parts that are proven so far, in order.
  var upload: MultipartUpload {
    var upload = open
    upload.parts = state.withLock { $0.parts }.sorted { $0.number < $1.number }
    return upload
  }

  /// The first thing that went wrong; nothing is handed out after it.
  var failure: S3Error? { state.withLock { $0.failure } }

  /// The number of the next part to send; nil when there is none, when one has failed, or the task is cancelled.
  func next() -> Int? {
    if Task.isCancelled { return nil }
    return state.withLock { $0.failure == nil ? $0.missing.popFirst() : nil }
  }

  /// Whether there is a part for another lane.
  var mayAddLane: Bool {
    state.withLock { $0.failure == nil && !$0.missing.isEmpty && $0.lanes < Self.lanesMax }
  }

  func laneBegan() { state.withLock { $0.lanes += 1 } }
  func laneEnded() { state.withLock { $0.lanes -= 1 } }

  func proved(_ part: MultipartUpload.Part) {
    state.withLock { $0.parts.append(part) }
  }

  func failed(_ error: S3Error) {
    state.withLock { $0.failure = $0.failure ?? error }
  }
}
