import Glibc
import SlipwayModel

/// Why a hook could not be started.
struct StartFailure: Error, Hashable {
  /// One clause for people.
  let reason: String

  init(_ reason: String) {
    self.reason = reason
  }

  /// What opening a hook's directory or manifest met.
  init(_ what: String, _ path: BytePath, code: CInt) {
    switch code {
    case ENOENT: reason = "no such \(what): \(path)"
    case ENOTDIR: reason = "not a \(what): \(path)"
    default: reason = "cannot open the \(what) \(path): \(errorText(code))"
    }
  }

  /// Looks at a program that execve(2) refused, whose ENOENT may mean the program or its interpreter.
  ///
  /// `code` is the error number where it is known for certain.
  static func diagnosing(_ program: BytePath, code: CInt?) -> StartFailure {
    if let obstacle = ExecutionObstacle(to: program) { return StartFailure(obstacle.reason(program)) }
    if code == ENOEXEC {
      return StartFailure("neither a script with a #! line nor a program for this machine: \(program)")
    }
    if let code { return StartFailure("\(errorText(code)): \(program)") }
    guard let interpreter = interpreter(of: program) else { return StartFailure("its interpreter is missing") }
    switch ExecutionObstacle(to: interpreter) {
    case nil: return StartFailure("the system refused to start \(program)")
    case .missing: return StartFailure("its interpreter is missing: \(interpreter)")
    case let obstacle?: return StartFailure("its interpreter is \(obstacle.reason(interpreter))")
    }
  }

  /// What a script's first line names, as the kernel reads it: up to the first blank of at most 256 bytes.
  private static func interpreter(of program: BytePath) -> BytePath? {
    guard let file = Descriptor.open(program.bytes, O_RDONLY) else { return nil }
    defer { file.close() }
    var start = [UInt8](repeating: 0, count: 256)
    let count = read(file.number, &start, start.count)
    guard count > 2, start.starts(with: Array("#!".utf8)) else { return nil }
    let line = start[2..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }
    let blanks = Array(" \t".utf8)
    return BytePath(Array(line.drop(while: blanks.contains).prefix { !blanks.contains($0) }))
  }
}

/// The system's text for an error number.
func errorText(_ code: CInt) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  // The POSIX form of strerror_r writes into the buffer; unlike strerror it may be called from any thread.
  guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
  let text = buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
  return String(decoding: text, as: UTF8.self).lowercased()
}
