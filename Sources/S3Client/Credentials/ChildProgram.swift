import CLibc
import Glibc
import SlipwayModel

/// A running program whose output is read. It leads a process group of its own, and stays in this process's session:
/// whoever cleans up after hooks takes what lies in other sessions for theirs.
///
/// For one thread. `end` must be called.
struct ChildProgram {
  typealias Problem = CredentialPrograms.Problem

  private let pid: pid_t
  private let pipe: Int32
  private var bytes: [UInt8] = []

  /// Starts it with nothing to read and nowhere to complain.
  init(_ words: [String], _ environment: [String: String]) throws(Problem) {
    var ends: [Int32] = [-1, -1]
    guard slipway_pipe(&ends) == 0 else { throw Self.notStarted(errno) }
    defer { close(ends[1]) }
    var pid: pid_t = 0
    let code = Self.spawn(&pid, words, environment, output: ends[1])
    guard code == 0 else {
      close(ends[0])
      throw Self.notStarted(code)
    }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    self.pid = pid
    pipe = ends[0]
  }

  /// What it wrote, once it has ended with 0. `limit` is for the message.
  mutating func output(until deadline: ContinuousClock.Instant, _ limit: Duration) throws(Problem) -> [UInt8] {
    while true {
      // Before the last reading: what it wrote to its end is in the pipe then.
      let status = status()
      let isClosed = try readWhatIsThere()
      if let status { return try judged(status) }
      guard ContinuousClock.now < deadline else {
        throw Problem(code: "ProcessTimeout", cause: "did not end within \(limit.components.seconds) s")
      }
      wait(isClosed)
    }
  }

  /// Kills what is left of the group, and reaps it. The leader is not reaped before: until then its number means nothing
  /// else. One that cannot be killed, since it runs as another user, is left alone after a while.
  func end() {
    kill(-pid, SIGKILL)
    close(pipe)
    for _ in 0..<Self.lastGlances where waitpid(pid, nil, WNOHANG) == 0 { poll(nil, 0, Self.glance) }
    // A child subreaper gets those whose parent has ended.
    while waitpid(-pid, nil, WNOHANG) > 0 {}
  }

  /// How long to look away at the most while nothing is written, in milliseconds.
  private static let glance: Int32 = 20
  /// How often to look for the end of what was killed.
  private static let lastGlances = 250

  private func wait(_ isClosed: Bool) {
    var entry = pollfd(fd: isClosed ? -1 : pipe, events: Int16(POLLIN), revents: 0)
    poll(&entry, 1, Self.glance)
  }

  /// As waitid(2) tells it, without reaping; nil while it runs.
  private func status() -> siginfo_t? {
    var information = siginfo_t()
    guard waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0,
      information.si_signo == SIGCHLD
    else { return nil }
    return information
  }

  private func judged(_ information: siginfo_t) throws(Problem) -> [UInt8] {
    let status = information._sifields._sigchld.si_status
    if information.si_code == CLD_EXITED, status == 0 { return bytes }
    let cause = information.si_code == CLD_EXITED ? "ended with exit code \(status)" : "was ended by signal \(status)"
    throw Problem(code: "ProcessFailed", cause: cause)
  }

  /// True at the end of the output.
  private mutating func readWhatIsThere() throws(Problem) -> Bool {
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      let got = read(pipe, &piece, piece.count)
      if got == 0 { return true }
      if got < 0, errno == EINTR { continue }
      if got < 0 { return errno != EAGAIN }
      bytes.append(contentsOf: piece.prefix(got))
      guard bytes.count <= CredentialPrograms.outputLimit else {
        throw Problem(code: "OutputTooLong", cause: "wrote more than \(CredentialPrograms.outputLimit) bytes")
      }
    }
  }

  private static func notStarted(_ code: Int32) -> Problem {
    Problem(code: "ProcessNotStarted", cause: "cannot be started (\(String(cString: strerror(code))))")
  }
}

/// posix_spawn(3).
extension ChildProgram {
  private static func spawn(
    _ pid: inout pid_t, _ words: [String], _ environment: [String: String], output: Int32
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    setSignals(&attributes)
    posix_spawnattr_setpgroup(&attributes, 0)
    let arguments = words.map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    return posix_spawnp(&pid, words[0], &actions, &attributes, arguments, variables)
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
}
