import Glibc
import SlipwayModel

/// Reads the small files of `~/.aws` and of tokens, and replaces one that was renewed. They are read anew each time,
/// because whoever rotates them replaces them.
package struct CredentialFiles: Sendable {
  /// Blocks. nil if there is no such file; throws a blocked failure if it cannot be read, or has more than `limit` bytes.
  package let contents: @Sendable (_ path: String, _ limit: Int) throws(Failure) -> [UInt8]?
  /// Blocks. Puts a file in place of the one at `path`, whole and for its owner alone, or throws and leaves it.
  package let replacement: @Sendable (_ path: String, _ bytes: [UInt8]) throws(Failure) -> Void

  package init(
    _ contents: @escaping @Sendable (_ path: String, _ limit: Int) throws(Failure) -> [UInt8]?,
    replacement: @escaping @Sendable (_ path: String, _ bytes: [UInt8]) throws(Failure) -> Void = refuseReplacement
  ) {
    self.contents = contents
    self.replacement = replacement
  }

  /// Those of this machine.
  package static let local = CredentialFiles(
    { path, limit throws(Failure) in try readFile(path, limit) },
    replacement: { path, bytes throws(Failure) in try replaceFile(path, bytes) })

  /// Of files that can only be read.
  package static func refuseReplacement(_ path: String, _ bytes: [UInt8]) throws(Failure) {
    throw unwritable(path, EROFS)
  }

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

  func replace(_ path: String, with bytes: [UInt8]) async throws(Failure) {
    let replacement = replacement
    try await onOwnThread { () -> Result<Void, Failure> in
      do throws(Failure) {
        return .success(try replacement(path, bytes))
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

/// Under another name first, by lot, so that it is nobody else's: nobody sees half a file, and a crash leaves the old one.
private func replaceFile(_ path: String, _ bytes: [UInt8]) throws(Failure) {
  let name = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 16)).tmp"
  let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw unwritable(path, errno) }
  let problem = filling(descriptor, bytes)
  close(descriptor)
  if problem == 0, rename(name, path) == 0 { return }
  let code = problem == 0 ? errno : problem
  unlink(name)
  throw unwritable(path, code)
}

/// Writes it all and makes it durable; 0, or the number of the error.
private func filling(_ descriptor: Int32, _ bytes: [UInt8]) -> Int32 {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno != EINTR { return errno }
    rest = rest.dropFirst(max(0, count))
  }
  return fsync(descriptor) == 0 ? 0 : errno
}

private func unwritable(_ path: String, _ code: Int32) -> Failure {
  Failure(.blocked, "replace", escaped(path.utf8), code: "UnwritableFile", cause: String(cString: strerror(code)))
}
