import Glibc
import SlipwayModel

extension SourceFile {
  /// Reads a whole file of at most `NodeLimits.fileSize`; nil, with a problem, where that cannot be done. Blocks.
  static func read(
    _ path: BytePath, order: Int, workingDirectory: BytePath, writers: WritersCheck
  ) -> SourceFile? {
    let absolute = path.isAbsolute ? path : workingDirectory.appending(path)
    func made(_ bytes: [UInt8]) -> SourceFile {
      SourceFile(order: order, path: path, workingDirectory: workingDirectory, bytes: bytes)
    }
    do throws(ReadProblem) {
      let (bytes, facts) = try content(of: absolute)
      let source = made(bytes)
      writers.check(absolute, facts, at: source.start)
      return source
    } catch {
      writers.diagnostics.error(error.message, at: made([]).start)
      return nil
    }
  }

  private struct ReadProblem: Error {
    let message: String
  }

  private static func content(of path: BytePath) throws(ReadProblem) -> ([UInt8], FileFacts) {
    // Without O_NONBLOCK the open of a FIFO waits for a writer.
    let descriptor = open(path.cString, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(errno) }
    defer { close(descriptor) }
    guard case .success(let facts) = LocalInspection.facts(ofDescriptor: descriptor) else { throw unreadable(errno) }
    guard facts.isRegular else { throw ReadProblem(message: "the file is not a regular file") }
    let bytes = try content(of: descriptor)
    if bytes.count > NodeLimits.fileSize { throw ReadProblem(message: tooLarge) }
    return (bytes, facts)
  }

  static let tooLarge = "the file has more than \(NodeLimits.fileSize) bytes"

  /// At most one byte more than is allowed.
  private static func content(of descriptor: Int32) throws(ReadProblem) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while bytes.count <= NodeLimits.fileSize {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count == 0 { break }
      if count < 0, errno != EINTR { throw unreadable(errno) }
      if count > 0 { bytes += chunk[..<count] }
    }
    return bytes
  }

  private static func unreadable(_ number: Int32) -> ReadProblem {
    ReadProblem(message: "the file cannot be read: \(SystemError(number))")
  }
}
