import CLibc
import Glibc
import SlipwayModel

/// Small files that are read whole.
extension LocalTreeFiles {
  package func content(of path: BytePath, in tree: BytePath, limit: Int) throws(Failure) -> [UInt8]? {
    do throws(ErrorNumber) {
      let descriptor = try roots.open(path, in: tree, flags: Self.readingFlags, .now, symlinks).descriptor
      defer { close(descriptor) }
      var status = stat()
      if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
      guard status.isRegularFile else { return nil }
      if let bytes = try Self.content(of: descriptor, limit: limit) { return bytes }
    } catch {
      if Self.meansAbsent(error) { return nil }
      throw Failure(errno: error.value, operation: "read", subject: tree.appending(path))
    }
    throw Failure(
      .permanent, "read", tree.appending(path).description, cause: "it has more than \(limit) bytes")
  }

  /// nil for more than `limit` bytes.
  private static func content(of descriptor: Int32, limit: Int) throws(ErrorNumber) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    var filled = 0
    while filled <= limit {
      let count = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress.map { $0 + filled }, limit + 1 - filled)
      }
      if count == 0 { return Array(bytes[..<filled]) }
      if count < 0, errno != EINTR { throw ErrorNumber.last }
      filled += max(0, count)
    }
    return nil
  }
}
