import CLibc
import Glibc
import SlipwayModel

/// Starts a plugin's process by posix_spawn(3).
enum PluginSpawning {
  /// The process's ends of its pipes.
  struct Ends {
    let input: Int32
    let output: Int32
    let errors: Int32
  }

  /// Starts it as the leader of a process group of its own, in this process's session: whoever cleans up after hooks takes
  /// what lies in other sessions for theirs. `code` is an error number where it could not be started.
  static func start(_ program: BytePath, _ command: PluginCommand, _ ends: Ends) -> (pid: pid_t, code: Int32) {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_adddup2(&actions, ends.input, 0)
    posix_spawn_file_actions_adddup2(&actions, ends.output, 1)
    posix_spawn_file_actions_adddup2(&actions, ends.errors, 2)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    _ = command.settings.directory.withNulTerminated { posix_spawn_file_actions_addchdir_np(&actions, $0) }
    setSignals(&attributes)
    posix_spawnattr_setpgroup(&attributes, 0)
    let words = [command.settings.program.bytes] + command.settings.arguments.map { Array($0.utf8) }
    let variables = command.environment.map { Array($0.name.utf8) + [UInt8(ascii: "=")] + $0.value }
    var pid: pid_t = 0
    let code = withCStrings(words) { arguments in
      withCStrings(variables) { environment in
        program.withNulTerminated { posix_spawn(&pid, $0, &actions, &attributes, arguments, environment) }
      }
    }
    return (pid, code)
  }

  /// A child inherits what this thread blocks and this process ignores, such as SIGPIPE.
  private static func setSignals(_ attributes: inout posix_spawnattr_t) {
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  }

  /// A vector as execve(2) takes it. What lies behind a NUL in one of the texts is not seen.
  private static func withCStrings<Result>(
    _ texts: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let pointers = texts.map { strdup($0.map { CChar(bitPattern: $0) } + [0]) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
  }
}
