import SlipwayModel
import Synchronization

/// Buffers for copying files, used again and again; any thread. What is lent out is bounded by the copies under way.
final class CopyBuffers: Sendable {
  /// In bytes: a piece stays in the second-level cache between reading, hashing and writing.
  private static let size = 128 * 1024
  /// Kept while nobody needs them.
  private static let mostIdle = 8

  private let idle = Mutex<[CopyBuffer]>([])

  func withBuffer<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let buffer = idle.withLock { $0.popLast() } ?? CopyBuffer(size: Self.size)
    defer { idle.withLock { if $0.count < Self.mostIdle { $0.append(buffer) } } }
    return try body(buffer.bytes)
  }
}

/// Sendable by hand: it is in the pool or with one user, never both.
private final class CopyBuffer: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(size: Int) {
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
  }

  deinit {
    bytes.deallocate()
  }
}
