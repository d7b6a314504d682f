import Glibc
import SlipwayModel

extension S3Client {
  /// Writes an object's content into a regular file that is open for writing: from its beginning, whatever the
  /// descriptor's offset, and cut to the object's size. After an error the file holds nothing of use; it may be called
  /// again with the same one. See the other `readObject` for what is checked. Blocks while it writes: call it in a
  /// task that may.
  public func readObject(
    _ key: ObjectKey, ifMatch etag: String? = nil, intoFile descriptor: Int32
  ) async throws(S3Error) -> ObjectHead {
    var position: Int64 = 0
    let head = try await readObject(key, ifMatch: etag) { bytes throws(Failure) in
      try write(bytes, at: position, into: descriptor, key)
      position += Int64(bytes.count)
    }
    if ftruncate(descriptor, off_t(head.size)) != 0 { throw S3Error(fileFailure(errno, key)) }
    return head
  }

  private func write(
    _ bytes: [UInt8], at position: Int64, into descriptor: Int32, _ key: ObjectKey
  ) throws(Failure) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        pwrite(
          descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(position + Int64(written)))
      }
      if count < 0, errno == EINTR { continue }
      // pwrite(2) of a regular file writes something or fails.
      if count <= 0 { throw fileFailure(errno, key) }
      written += count
    }
  }

  /// No room waits for an operator, as it does where a directory is the destination.
  private func fileFailure(_ number: Int32, _ key: ObjectKey) -> Failure {
    let hasNoRoom = number == ENOSPC || number == EDQUOT
    return Failure(
      hasNoRoom ? .blocked : .transient(retryAfter: nil), "read", endpoint.subject(key),
      code: hasNoRoom ? "ENOSPC" : "FileUnwritable",
      cause: "the file cannot be written (\(String(cString: strerror(number))))",
      remedy: hasNoRoom ? "make room on its file system" : "")
  }
}
