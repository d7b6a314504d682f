import CLibc
import Glibc
import SlipwayModel

/// A running plugin: its pipes, and its end. For one thread. `end` must be called.
struct PluginProcess {
  let pid: pid_t
  /// Ours; all three do not block.
  private let input: Int32
  let output: Int32
  /// -1 once it has ended.
  private(set) var errors: Int32
  private var isInputOpen = true
  private var outgoing = OutgoingBytes()

  /// Blocks for as long as a start takes.
  init(_ command: PluginCommand, _ subject: String) throws(Failure) {
    let program = try command.program(subject)
    var pipes: [Int32] = []
    for _ in 0..<3 {
      var ends: [Int32] = [-1, -1]
      guard slipway_pipe(&ends) == 0 else {
        let number = errno
        for descriptor in pipes { close(descriptor) }
        throw PluginCommand.notStarted(number, subject)
      }
      pipes += ends
    }
    let ends = PluginSpawning.Ends(input: pipes[0], output: pipes[3], errors: pipes[5])
    let (pid, code) = PluginSpawning.start(program, command, ends)
    for descriptor in [ends.input, ends.output, ends.errors] { close(descriptor) }
    (input, output, errors) = (pipes[1], pipes[2], pipes[4])
    self.pid = pid
    guard code == 0 else {
      for descriptor in [input, output, errors] { close(descriptor) }
      throw PluginCommand.notStarted(code, subject)
    }
    for descriptor in [input, output, errors] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
  }

  /// To be watched for room as long as something waits to be written; -1 otherwise.
  var inputToWatch: Int32 { isInputOpen && !outgoing.isEmpty ? input : -1 }

  mutating func queue(_ line: [UInt8]) {
    outgoing.append(line)
    write()
  }

  /// Writes what the pipe has room for. A plugin that reads no more says so by its output's end, or by its silence. The
  /// thread must have SIGPIPE blocked.
  mutating func write() {
    while isInputOpen, !outgoing.isEmpty {
      let count = outgoing.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      if count < 0 {
        if errno != EAGAIN { closeInput() }
        return
      }
      outgoing.drop(count)
    }
  }

  /// As waitid(2) tells it, without reaping: until then the number means nothing else. nil while it runs.
  var status: siginfo_t? {
    var information = siginfo_t()
    guard waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0,
      information.si_signo == SIGCHLD
    else { return nil }
    return information
  }

  /// How it ended, as a clause; nil while it runs.
  var ending: String? {
    guard let status else { return nil }
    let value = status._sifields._sigchld.si_status
    return status.si_code == CLD_EXITED ? "ended with exit code \(value)" : "was ended by signal \(value)"
  }

  /// How an end is brought about.
  enum Manner {
    /// By the end of its input, and only then by signals.
    case orderly
    case bySignals
  }

  /// Ends it and its group. `drain` is called again and again meanwhile, for what it still writes.
  mutating func end(_ manner: Manner, grace: Duration, _ drain: (PluginProcess) -> Void) {
    closeInput()
    if manner == .orderly { wait(grace, drain) }
    if status == nil {
      kill(-pid, SIGTERM)
      wait(grace, drain)
    }
    kill(-pid, SIGKILL)
    for _ in 0..<Self.lastGlances where status == nil { poll(nil, 0, Self.glance) }
    drain(self)
  }

  /// Once, after `end`.
  mutating func reap() {
    waitpid(pid, nil, WNOHANG)
    // A child subreaper gets those of the group whose parents have ended, one generation after the other.
    for _ in 0..<Self.lastGlances where waitpid(-pid, nil, WNOHANG) >= 0 { poll(nil, 0, 1) }
    for descriptor in [output, errors] { close(descriptor) }
  }

  /// Waits for its end.
  func wait(_ limit: Duration, _ drain: (PluginProcess) -> Void) {
    let deadline = ContinuousClock.now + limit
    while status == nil, ContinuousClock.now < deadline {
      drain(self)
      poll(nil, 0, Self.glance)
    }
  }

  /// Nothing more is read from stderr.
  mutating func muteErrors() {
    close(errors)
    errors = -1
  }

  private mutating func closeInput() {
    if isInputOpen { close(input) }
    isInputOpen = false
    outgoing = OutgoingBytes()
  }

  /// In milliseconds.
  private static let glance: Int32 = 5
  /// How often to look for the end of what was killed: one that runs as another user is left alone after a while.
  private static let lastGlances = 1_000
}
