import CLibc
import Glibc
import SlipwayModel

/// What execve(2) is given for a plugin: the program, its arguments, its environment and where it runs.
struct PluginCommand: Sendable {
  let settings: PluginDestination
  /// No name twice; what the file says comes after what is passed on.
  let environment: [EnvironmentVariable]
  /// By which what it leaves behind is known.
  let strays: PluginStrays

  /// `own` is Slipway's environment, of which a plugin is given what a hook is: a few names, and what the file passes on.
  init(_ settings: PluginDestination, own: [String: [UInt8]]) {
    self.settings = settings
    let passed = (["PATH", "HOME", "LANG"] + settings.passedEnvironment).compactMap { name in
      own[name].map { EnvironmentVariable(name, $0) }
    }
    strays = PluginStrays(mark: PluginStrays.newMark())
    let mark = EnvironmentVariable(PluginStrays.variable, strays.mark)
    var seen: Set<String> = []
    environment = (passed + settings.environment + [mark]).reversed().filter { seen.insert($0.name).inserted }
      .reversed()
  }

  /// Where the program lies; throws a blocked failure where it is not, or cannot be executed. Asks the file system.
  func program(_ subject: String) throws(Failure) -> BytePath {
    if settings.program.isAbsolute {
      if let number = Self.obstacle(to: settings.program) { throw Self.notStarted(number, subject) }
      return settings.program
    }
    let path = environment.last { $0.name == "PATH" }?.value ?? Array("/usr/bin:/bin".utf8)
    // A relative directory would be looked up in whatever directory this process has been started.
    for directory in path.split(separator: UInt8(ascii: ":")) where directory.first == UInt8(ascii: "/") {
      let candidate = BytePath(Array(directory)).appending(settings.program)
      if Self.obstacle(to: candidate) == nil { return candidate }
    }
    throw Failure(
      .blocked, "start", subject, code: "ENOENT", cause: "there is no program '\(settings.program)' in PATH")
  }

  /// As posix_spawn(3) tells them: what may pass is transient.
  static func notStarted(_ number: Int32, _ subject: String) -> Failure {
    let passes = [ETXTBSY, EAGAIN, ENOMEM, EMFILE, ENFILE].contains(number)
    return Failure(
      passes ? .transient(retryAfter: nil) : .blocked, "start", subject, code: "PluginNotStarted",
      cause: String(cString: strerror(number)),
      remedy: number == ENOEXEC ? "begin the script with a #! line" : "", isUnreachable: true)
  }

  /// The error number of what stands in the way of executing a file; nil if nothing does.
  private static func obstacle(to path: BytePath) -> Int32? {
    var status = stat()
    if path.withNulTerminated({ stat($0, &status) }) != 0 { return errno }
    if status.st_mode & S_IFMT != S_IFREG { return EACCES }
    return path.withNulTerminated { faccessat(AT_FDCWD, $0, X_OK, AT_EACCESS) } == 0 ? nil : errno
  }
}
