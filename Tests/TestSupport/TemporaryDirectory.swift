import Glibc
import SlipwayModel

/// A directory of one test, removed with all below it when the object goes.
package final class TemporaryDirectory: Sendable {
  /// Absolute, without symbolic links.
  package let path: BytePath

  /// Below TMPDIR or /tmp.
  package init() throws {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/slipway-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil, let real = realpath(template, nil) else { throw FileProblem("mkdtemp", base) }
    defer { free(real) }
    path = BytePath(String(cString: real))
  }

  deinit {
    removeTree(path)
  }

  package func path(_ name: String) -> BytePath { path.appending(name) }

  /// Writes a file below the directory, with the directories that it needs; returns its absolute path.
  @discardableResult
  package func write(_ content: String, to name: String) throws -> BytePath {
    try write(Array(content.utf8), to: BytePath(name))
  }

  /// The same for a name that need not be UTF-8.
  @discardableResult
  package func write(_ content: [UInt8], to name: BytePath) throws -> BytePath {
    let file = path.appending(name)
    try makeDirectory(name.parent)
    let descriptor = file.withCString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    guard descriptor >= 0 else { throw FileProblem("open", file.description) }
    defer {
      close(descriptor)
      awaitNoWriter(file)
    }
    var rest = content[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw FileProblem("write", file.description) }
      rest = rest.dropFirst(count)
    }
    return file
  }

  /// Writes many files: name to content.
  package func write(_ files: [String: String]) throws {
    for (name, content) in files { try write(content, to: name) }
  }

  /// Makes a directory below this one, with its parents; no error if it exists.
  @discardableResult
  package func makeDirectory(_ name: BytePath) throws -> BytePath {
    var current = path
    for component in name.components {
      current = current.appending(BytePath(Array(component)))
      guard current.withCString({ mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
        throw FileProblem("mkdir", current.description)
      }
    }
    return current
  }

  /// The content of a file below the directory.
  package func read(_ name: BytePath) throws -> [UInt8] {
    let file = path.appending(name)
    let descriptor = file.withCString { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw FileProblem("open", file.description) }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { throw FileProblem("read", file.description) }
      if count == 0 { return content }
      content.append(contentsOf: buffer[..<count])
    }
  }

  package func read(_ name: String) throws -> [UInt8] { try read(BytePath(name)) }

  /// The names in a directory below this one, in byte order.
  package func list(_ name: BytePath = .here) throws -> [BytePath] {
    try entries(of: path.appending(name)).sorted()
  }
}

/// A system call that a test needs did not work.
package struct FileProblem: Error, CustomStringConvertible {
  package let description: String

  init(_ operation: String, _ subject: String) {
    description = "\(operation) \(subject): \(String(cString: strerror(errno)))"
  }
}

extension BytePath {
  /// The path for the C library.
  package func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
    let characters = bytes.map { CChar(bitPattern: $0) } + [0]
    return try body(characters)
  }
}

private func entries(of directory: BytePath) throws -> [BytePath] {
  guard let stream = directory.withCString({ opendir($0) }) else { throw FileProblem("opendir", directory.description) }
  defer { closedir(stream) }
  var names: [BytePath] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
        BytePath(Array(UnsafeBufferPointer(start: bytes, count: strnlen(UnsafePointer(bytes), 256))))
      }
    }
    if name.bytes != [0x2E], name.bytes != [0x2E, 0x2E] { names.append(name) }
  }
  return names
}

/// Follows no link. What cannot be removed stays: the test has said what it had to.
private func removeTree(_ path: BytePath) {
  if path.withCString({ unlink($0) }) == 0 { return }
  _ = path.withCString { chmod($0, 0o700) }
  for name in (try? entries(of: path)) ?? [] { removeTree(path.appending(name)) }
  _ = path.withCString { rmdir($0) }
}

private func strnlen(_ bytes: UnsafePointer<UInt8>, _ limit: Int) -> Int {
  var count = 0
  while count < limit, bytes[count] != 0 { count += 1 }
  return count
}
