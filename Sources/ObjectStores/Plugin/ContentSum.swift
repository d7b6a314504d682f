import Glibc
import SlipwayModel

/// The SHA-256 of a file, read piece by piece.
struct ContentSum {
  let sum: [UInt8]
  let count: Int64

  /// Reads at the most `limit` bytes and one piece more: a file may grow as fast as it is read. Throws where the task is
  /// cancelled. Blocks.
  init(
    of descriptor: Int32, upTo limit: Int64, _ operation: String, _ subject: String,
    _ buffer: UnsafeMutableRawBufferPointer
  ) throws(Failure) {
    let hash = try SHA256Hash()
    var position: Int64 = 0
    while position <= limit {
      if Task.isCancelled {
        throw Failure(.transient(retryAfter: nil), operation, subject, code: "Cancelled", cause: "it was stopped")
      }
      let length = pread(descriptor, buffer.baseAddress, buffer.count, off_t(position))
      if length < 0, errno == EINTR { continue }
      guard length >= 0 else {
        throw Failure(
          .transient(retryAfter: nil), operation, subject, code: Failure.sourceUnreadable,
          cause: String(cString: strerror(errno)))
      }
      if length == 0 { break }
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<length]))
      position += Int64(length)
    }
    sum = try hash.finish()
    count = position
  }
}
