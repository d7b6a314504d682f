import Glibc
import SlipwayModel

/// Reads the small files of `~/.aws` and of tokens. They are read anew each time, because whoever rotates them replaces
/// them.
package struct CredentialFiles: Sendable {
  /// Blocks. nil if there is no such file; throws a blocked failure if it cannot be read, or has more than `limit` bytes.
  package let contents: @Sendable (_ path: String, _ limit: Int) throws(Failure) -> [UInt8]?

  package init(_ contents: @escaping @Sendable (_ path: String, _ limit: Int) throws(Failure) -> [UInt8]?) {
    self.contents = contents
  }

  /// Those of this machine.
  package static let local = CredentialFiles { path, limit throws(Failure) in try readFile(path, limit) }

  /// The same without blocking the caller's thread, which belongs to everybody.
  func read(_ path: String, limit: Int) async throws(Failure) -> [UInt8]? {
    let contents = contents
    return try await onOwnThread { () -> Result<[UInt8]?, Failure> in
      do throws(Failure) {
        return .success(try contents(path, limit))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  /// The text of a file that holds one token; white space around it does not count.
  func token(_ path: String) async throws(Failure) -> Secret? {
    guard let bytes = try await read(path, limit: Self.tokenLimit) else { return nil }
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || 0x09...0x0D ~= $0 }
    let rest = bytes.drop(while: isSpace)
    let end = rest.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? rest.startIndex
    return end == rest.startIndex ? nil : Secret(String(decoding: rest[..<end], as: UTF8.self))
  }

  /// In bytes; STS takes tokens up to 20,000.
  static let tokenLimit = 64 * 1024
}

private func readFile(_ path: String, _ limit: Int) throws(Failure) -> [UInt8]? {
  // Without O_NONBLOCK a FIFO of that name would hold the thread until somebody writes.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    let code = errno
    if code == ENOENT || code == ENOTDIR { return nil }
    throw unreadable(path, String(cString: strerror(code)))
  }
  defer { close(descriptor) }
  var state = stat()
  guard fstat(descriptor, &state) == 0, state.st_mode & S_IFMT == S_IFREG else {
    throw unreadable(path, "it is not a regular file")
  }
  var bytes = [UInt8](repeating: 0, count: limit + 1)
  var count = 0
  while count <= limit {
    let start = count
    let got = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress?.advanced(by: start), $0.count - start) }
    if got < 0, errno == EINTR { continue }
    if got < 0 { throw unreadable(path, String(cString: strerror(errno))) }
    if got == 0 { return Array(bytes[..<count]) }
    count += got
  }
  throw unreadable(path, "it has more than \(limit) bytes")
}

private func unreadable(_ path: String, _ cause: String) -> Failure {
  Failure(.blocked, "read", escaped(path.utf8), code: "UnreadableFile", cause: cause)
}
