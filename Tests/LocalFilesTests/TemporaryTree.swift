import CLibc
import Glibc
import SlipwayModel
import TestSupport

@testable import LocalFiles

/// A directory of its own for one test, removed with all below it.
final class TemporaryTree {
  let path: BytePath

  init() {
    var template = Array("/tmp/slipway-files-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("mkdtemp: \(errno)") }
    path = BytePath(template.dropLast().map { UInt8(bitPattern: $0) })
  }

  deinit {
    // Depth is no matter to rm(1), which walks by openat as well.
    var child = pid_t()
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("rm"), strdup("-rf"), strdup(text), nil]
    posix_spawn(&child, "/bin/rm", nil, nil, &arguments, environ)
    var status: Int32 = 0
    waitpid(child, &status, 0)
    for argument in arguments { free(argument) }
  }

  var text: String { String(decoding: path.bytes, as: UTF8.self) }

  subscript(_ name: String) -> BytePath { path.appending(name) }

  @discardableResult
  func file(_ name: BytePath, _ content: String = "x") -> BytePath {
    let full = path.appending(name)
    directory(name.parent)
    let descriptor = cString(full) { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    precondition(descriptor >= 0, "\(full): \(errno)")
    content.withCString { _ = Glibc.write(descriptor, $0, strlen($0)) }
    close(descriptor)
    awaitNoWriter(full)
    return full
  }

  @discardableResult
  func file(_ name: String, _ content: String = "x") -> BytePath { file(BytePath(name), content) }

  @discardableResult
  func directory(_ name: BytePath) -> BytePath {
    var current = path
    for component in name.components where !component.elementsEqual([0x2E]) {
      current = current.appending(BytePath(Array(component)))
      let answer = cString(current) { mkdir($0, 0o755) }
      precondition(answer == 0 || errno == EEXIST, "\(current): \(errno)")
    }
    return current
  }

  @discardableResult
  func directory(_ name: String) -> BytePath { directory(BytePath(name)) }

  func link(_ name: String, to target: String) {
    let answer = cString(self[name]) { symlink(target, $0) }
    precondition(answer == 0, "\(name): \(errno)")
  }

  func fifo(_ name: String) {
    let answer = cString(self[name]) { mkfifo($0, 0o644) }
    precondition(answer == 0, "\(name): \(errno)")
  }

  func move(_ from: String, _ to: String) {
    let answer = cString(self[from]) { source in cString(self[to]) { rename(source, $0) } }
    precondition(answer == 0, "\(from): \(errno)")
  }

  func exists(_ name: String) -> Bool {
    var status = stat()
    return cString(self[name]) { lstat($0, &status) } == 0
  }

  func content(_ name: String) -> String? {
    let descriptor = cString(self[name]) { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(descriptor, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}

func cString<Answer>(_ path: BytePath, _ body: (UnsafePointer<CChar>) -> Answer) -> Answer {
  (path.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
    buffer.baseAddress.map(body) ?? body("")
  }
}

extension TreeWalk {
  var rest: [WalkEntry] {
    var entries: [WalkEntry] = []
    while let entry = next() { entries.append(entry) }
    return entries
  }
}

/// Runs `body` without root's right to read everything, on this thread alone (setfsuid(2)).
func withoutPrivileges<Answer>(_ body: () throws -> Answer) rethrows -> Answer {
  typealias SetUser = @convention(c) (uid_t) -> Int32
  guard getuid() == 0, let symbol = dlsym(nil, "setfsuid") else { return try body() }
  let setUser = unsafeBitCast(symbol, to: SetUser.self)
  _ = setUser(65534)
  defer { _ = setUser(0) }
  return try body()
}

/// How many descriptors this process has open below `path`.
func openDescriptors(below path: BytePath) -> Int {
  guard let directory = opendir("/proc/self/fd") else { return -1 }
  defer { closedir(directory) }
  var count = 0
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    var target = [CChar](repeating: 0, count: 5000)
    let length = readlink("/proc/self/fd/" + name, &target, target.count)
    let bytes = target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }
    if BytePath(bytes).isWithin(path) { count += 1 }
  }
  return count
}
