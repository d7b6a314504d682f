import S3Client
import SlipwayModel
import Synchronization

/// Which parts of an upload are still to be hashed and sent, and what has become of the others. Any task.
///
/// Parts are hashed in groups, because several at once cost less than one after the other, and one group at a time: while
/// a lane hashes, the others send what was hashed before, and a lane that finds nothing waits for it.
final class PartSending: Sendable {
  /// A part that may be sent.
  struct HashedPart {
    let number: Int
    let digests: ContentDigests
  }

  /// What a lane does next.
  enum Step {
    /// Hash these parts, then say `hashed` or `failed`.
    case hash([Int])
    case send(HashedPart)
    /// Another lane is hashing: `groupEnded`.
    case wait
    /// There is nothing more to do, one part has failed, or the task is cancelled.
    case end
  }

  private struct State {
    var missing: ArraySlice<Int>
    /// Hashed, and no lane's yet; no more than a group and `aheadMin`.
    var ready: ArraySlice<HashedPart> = []
    var isHashingGroup = false
    var waiting: [CheckedContinuation<Void, Never>] = []
    var parts: [MultipartUpload.Part]
    /// The lane that begins the sending among them.
    var lanes = 1
    var failure: S3Error?
  }

  /// Parts of one file in flight at the most.
  static let lanesMax = 8
  /// With fewer parts ready the next group is hashed, so that it is there before the lanes need it.
  private static let aheadMin = 4

  let plan: PartPlan
  /// As it was taken up: without the parts that are proven meanwhile.
  let open: MultipartUpload
  private let groupSize: @Sendable (_ missing: Int) -> Int
  private let state: Mutex<State>

  /// The parts that `upload` has are not sent again. `groupSize` says how many of those that are missing are hashed at
  /// once: where it is one, each lane hashes what it sends.
  init(_ upload: MultipartUpload, size: Int64, groupSize: @escaping @Sendable (_ missing: Int) -> Int) {
    open = upload
    plan = PartPlan(size: size, partSize: upload.partSize)
    self.groupSize = groupSize
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

  /// Whether there is a part for another lane.
  var mayAddLane: Bool {
    state.withLock { state in
      state.failure == nil && !(state.ready.isEmpty && state.missing.isEmpty) && state.lanes < Self.lanesMax
    }
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

/// Hashing and sending in turn.
extension PartSending {
  func next() -> Step {
    if Task.isCancelled { return .end }
    return state.withLock { state in
      if state.failure != nil { return .end }
      if !state.missing.isEmpty, !state.isHashingGroup {
        let count = groupSize(state.missing.count)
        if state.ready.count < (count > 1 ? Self.aheadMin : 1) {
          let group = Array(state.missing.prefix(count))
          state.missing.removeFirst(group.count)
          state.isHashingGroup = count > 1
          return .hash(group)
        }
      }
      if let part = state.ready.popFirst() { return .send(part) }
      return state.isHashingGroup ? .wait : .end
    }
  }

  /// What `next` gave to be hashed is ready; or it is not, and a failure was told.
  func hashed(_ parts: [HashedPart]) {
    let waiting = state.withLock { state in
      state.ready += parts
      state.isHashingGroup = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for lane in waiting { lane.resume() }
  }

  /// Returns when no group is being hashed: soon, because a lane that hashes waits for nobody, and stops when it is
  /// cancelled.
  func groupEnded() async {
    await withCheckedContinuation { lane in
      let isHashing = state.withLock { state in
        if state.isHashingGroup { state.waiting.append(lane) }
        return state.isHashingGroup
      }
      if !isHashing { lane.resume() }
    }
  }
}
