import HTTPTransport
import Synchronization

/// Buffers of one size that are used again; any thread. What is lent out is bounded by the puts in flight.
final class ContentBuffers: Sendable {
  private let capacity: Int
  private let idleLimit: Int
  private let idle = Mutex<[BodyBuffer]>([])

  /// `capacity` in bytes; at most `idleLimit` buffers are kept while nobody needs them.
  init(capacity: Int, idleLimit: Int) {
    self.capacity = capacity
    self.idleLimit = idleLimit
  }

  /// A buffer with whatever its last user left in it.
  func take() -> BodyBuffer {
    if let buffer = idle.withLock({ $0.popLast() }) { return buffer }
    return BodyBuffer(capacity: capacity)
  }

  /// Only once no request holds it any more.
  func giveBack(_ buffer: BodyBuffer) {
    idle.withLock { buffers in
      if buffers.count < idleLimit { buffers.append(buffer) }
    }
  }
}
