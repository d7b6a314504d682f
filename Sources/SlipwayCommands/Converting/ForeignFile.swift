import Glibc
import SlipwayModel

/// Another tool's file, read whole.
enum ForeignFile {
  /// In bytes.
  static let sizeLimit = 1024 * 1024

  /// Throws for people why it cannot be read.
  static func content(of file: String) throws(ConversionProblem) -> [UInt8] {
    guard let content = try contentIfThere(of: file) else { throw unreadable(file, ENOENT) }
    return content
  }

  /// nil for a file that is not there.
  static func contentIfThere(of file: String) throws(ConversionProblem) -> [UInt8]? {
    // Without O_NONBLOCK the open of a FIFO waits for a writer.
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    if descriptor < 0, errno == ENOENT { return nil }
    guard descriptor >= 0 else { throw unreadable(file, errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
    var filled = 0
    while filled <= sizeLimit {
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, sizeLimit + 1 - filled)
      }
      if count == 0 { return Array(bytes[..<filled]) }
      if count < 0, errno != EINTR { throw unreadable(file, errno) }
      filled += max(0, count)
    }
    throw ConversionProblem(message: "\(escaped(file.utf8)): the file has more than \(sizeLimit) bytes")
  }

  private static func unreadable(_ file: String, _ code: Int32) -> ConversionProblem {
    ConversionProblem(message: "\(escaped(file.utf8)): the file cannot be read: \(String(cString: strerror(code)))")
  }
}
