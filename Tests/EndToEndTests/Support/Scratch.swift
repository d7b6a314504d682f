import Foundation
import Glibc
import SlipwayModel
import TestSupport

/// A directory of one test, with real permissions for everybody, gone with it.
final class Scratch: Sendable {
  /// Absolute, without links.
  let path: String

  init() throws {
    var template = Array((NSTemporaryDirectory() + "/slipway-e2e-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else {
      throw Failure(.permanent, "make", "a temporary directory", cause: String(cString: strerror(errno)))
    }
    guard let real = realpath(made, nil) else { throw CocoaError(.fileNoSuchFile) }
    defer { free(real) }
    path = String(cString: real)
    chmod(path, 0o755)
  }

  deinit {
    // What is left is only the temporary directory's; a test has no use for the error.
    try? FileManager.default.removeItem(atPath: path)
  }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and the directories above it.
  @discardableResult
  func write(_ text: String, to name: String, executable: Bool = false) throws -> String {
    try write(Array(text.utf8), toBytes: Array(name.utf8))
    if executable, chmod(self(name), 0o755) != 0 { throw CocoaError(.fileWriteNoPermission) }
    return self(name)
  }

  /// The same for a name that need not be UTF-8, and that nobody may normalize.
  func write(_ content: [UInt8], toBytes name: [UInt8]) throws {
    try makeDirectories(above: name)
    let descriptor = withPath(name) { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    guard descriptor >= 0 else { throw failure("create", name) }
    defer {
      close(descriptor)
      awaitNoWriter(BytePath(Array(path.utf8) + [0x2F] + name))
    }
    var rest = content[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 { throw failure("write", name) }
      rest = rest.dropFirst(count)
    }
  }

  func makeDirectory(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: self(name), withIntermediateDirectories: true)
  }

  /// nil if there is no such file.
  func read(_ name: String) -> [UInt8]? { read(bytes: Array(name.utf8)) }

  func read(bytes name: [UInt8]) -> [UInt8]? {
    let descriptor = withPath(name) { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { return nil }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).readDataToEndOfFile().map { $0 }
  }

  func lines(_ name: String) -> [String] {
    String(decoding: read(name) ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
  }

  func exists(_ name: String) -> Bool { access(self(name), F_OK) == 0 }

  /// The names in a directory, sorted; none if it cannot be listed.
  func children(_ name: String) -> [String] {
    // A test that looks for what is left compares with nothing.
    ((try? FileManager.default.contentsOfDirectory(atPath: self(name))) ?? []).sorted()
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: self(name)) }

  /// The paths of the regular files below `name`, relative to it, as bytes, in byte order.
  func files(below name: String) throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    try collect(Array(name.utf8), [], &found)
    return found.sorted { $0.precedes($1) }
  }

  private func collect(_ top: [UInt8], _ below: [UInt8], _ found: inout [[UInt8]]) throws {
    let directory = below.isEmpty ? top : top + [0x2F] + below
    guard let stream = withPath(directory, { opendir($0) }) else { throw failure("list", directory) }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name == [0x2E] || name == [0x2E, 0x2E] { continue }
      let path = below.isEmpty ? name : below + [0x2F] + name
      if entry.pointee.d_type == UInt8(DT_DIR) { try collect(top, path, &found) } else { found.append(path) }
    }
  }

  private func makeDirectories(above name: [UInt8]) throws {
    for index in name.indices where name[index] == UInt8(ascii: "/") {
      let made = withPath(Array(name[..<index])) { mkdir($0, 0o755) }
      if made != 0, errno != EEXIST { throw failure("create", name) }
    }
  }

  private func withPath<Result>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let bytes = (Array(path.utf8) + [0x2F] + name + [0]).map { CChar(bitPattern: $0) }
    return bytes.withUnsafeBufferPointer { pointer in
      guard let start = pointer.baseAddress else { preconditionFailure("a path has at least its end") }
      return body(start)
    }
  }

  private func failure(_ operation: String, _ name: [UInt8]) -> Failure {
    Failure(.permanent, operation, escaped(name), cause: String(cString: strerror(errno)))
  }
}
