import Glibc
import SlipwayModel
import Subprocess
import SystemPackage

/// What execve(2) is given: the program, its arguments and its environment, all as bytes.
struct CommandLine: Sendable {
  let program: BytePath
  /// With the program's own name first.
  let arguments: [[UInt8]]
  /// `NAME=value`, no name twice.
  let environment: [[UInt8]]

  /// Looks a bare name up in the PATH of the hook's environment. Touches the file system: not for the task pool.
  init(_ command: Hook.Command, environment variables: [EnvironmentVariable]) throws(StartFailure) {
    environment = try Self.block(of: variables)
    switch command {
    case .shell(let text):
      program = BytePath("/bin/sh")
      arguments = ["/bin/sh", "-c", text, "sh"].map { Array($0.utf8) }
    case .program(let path, let rest):
      program = try Self.resolved(path, searching: Self.searchPath(in: variables))
      arguments = [path.bytes] + rest.map { Array($0.utf8) }
    }
    if arguments.contains(where: { $0.contains(0) }) { throw StartFailure("an argument contains a NUL byte") }
  }

  /// For the library, which wants C strings with their NUL, and takes the program's path as text only: a path that is
  /// not UTF-8 is started by way of the shell's `exec`.
  func configuration(directory: Descriptor) -> Subprocess.Configuration {
    let name = String(validating: program.bytes, as: UTF8.self)
    let detour = ["-c", #"exec "$0" "$@""#].map { Array($0.utf8) } + [program.bytes] + arguments.dropFirst()
    var options = PlatformOptions()
    options.createSession = true
    return Subprocess.Configuration(
      executable: .path(FilePath(name ?? "/bin/sh")),
      arguments: Arguments(
        executablePathOverride: name == nil ? Array("sh".utf8).terminated : arguments.first?.terminated,
        remainingValues: name == nil ? detour.map(\.terminated) : arguments.dropFirst().map(\.terminated)),
      environment: .custom(environment.map(\.terminated)),
      // The library takes a directory as text, too. Through this link any name will do, and a directory that is
      // renamed meanwhile stays the same one.
      workingDirectory: FilePath("/proc/self/fd/\(directory.number)"),
      platformOptions: options)
  }

  private static func block(of variables: [EnvironmentVariable]) throws(StartFailure) -> [[UInt8]] {
    var positions: [[UInt8]: Int] = [:]
    var block: [[UInt8]] = []
    for variable in variables {
      let name = variable.name.utf8
      guard let first = name.first, !(0x30...0x39).contains(first), !name.contains(0x3D), !name.contains(0) else {
        throw StartFailure("not a name for an environment variable: \(escaped(name))")
      }
      if variable.value.contains(0) {
        throw StartFailure("the environment variable \(escaped(name)) contains a NUL byte")
      }
      let entry = Array(name) + [0x3D] + variable.value
      if let position = positions[Array(name)] {
        block[position] = entry
      } else {
        positions[Array(name)] = block.count
        block.append(entry)
      }
    }
    return block
  }

  private static func searchPath(in variables: [EnvironmentVariable]) -> [UInt8] {
    variables.last { $0.name == "PATH" }?.value ?? Array("/usr/bin:/bin".utf8)
  }

  private static func resolved(_ path: BytePath, searching searchPath: [UInt8]) throws(StartFailure) -> BytePath {
    if path.bytes.contains(0) || path.bytes.isEmpty { throw StartFailure("not the name of a program: '\(path)'") }
    if path.isAbsolute { return path }
    if path.bytes.contains(UInt8(ascii: "/")) { throw StartFailure("not an absolute path: \(path)") }
    var forbidden: BytePath?
    // Relative and empty entries would mean the tree itself, whose writer must not choose the program.
    for directory in searchPath.split(separator: UInt8(ascii: ":")) where directory.first == UInt8(ascii: "/") {
      let candidate = BytePath(Array(directory)).appending(path)
      switch ExecutionObstacle(to: candidate) {
      case nil: return candidate
      case .notExecutable: forbidden = forbidden ?? candidate
      default: continue
      }
    }
    if let forbidden { throw StartFailure(ExecutionObstacle.notExecutable.reason(forbidden)) }
    throw StartFailure("no such program in PATH: \(path)")
  }
}
