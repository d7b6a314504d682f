import Foundation
import HookRunning
import SlipwayModel
import Testing

@Suite("What a hook is started with")
struct HookStartTests {
  let bench: HookBench

  init() throws {
    bench = try HookBench()
  }

  static let hostile: [UInt8] = Array("a b\n\t\"'$(touch x)`;\\ -\u{1}é".utf8) + [0xFF, 0xFE, 0x80]

  @Test("arguments arrive byte for byte, and none is executed")
  func arguments() async throws {
    let words = ["-n", "", "two words", "new\nline", "\"'$(touch injected)`\\", "*", "\u{1}\u{1F600}"]
    let hook = try bench.script("hook", #"for word; do printf '%s\0' "$word"; done"#)
    let result = await bench.run(.program(hook, arguments: words))
    #expect(result.ending == .exited(0))
    #expect(result.output == words.flatMap { Array($0.utf8) + [0] })
    #expect(!bench.exists("injected"))
  }

  @Test(
    "the environment is what was given and nothing else, invalid UTF-8 included, the last of two equal names counts")
  func environment() async throws {
    setenv("SLIPWAY_TEST_OF_THE_PARENT", "leaks", 1)
    var hook = bench.invocation(.program(BytePath("/usr/bin/env"), arguments: ["-0"]))
    hook.environment = [
      EnvironmentVariable("NAME", "first"), EnvironmentVariable("OTHER", "x=y"),
      EnvironmentVariable("NAME", Self.hostile), EnvironmentVariable("EMPTY", ""),
    ]
    let result = await bench.runner.run(hook) { _ in }
    let expected = Array("NAME=".utf8) + Self.hostile + Array("\0OTHER=x=y\0EMPTY=\0".utf8)
    #expect(result.output == expected)
  }

  @Test("a shell line runs by sh -c untouched, and its name is sh")
  func shellText() async {
    let result = await bench.shell(#"printf '%s|' "$0" "$#" 'a  b' "$((1+1))""#)
    #expect(result.text == "sh|0|a  b|2|")
  }

  @Test("the working directory is the tree, also where its name is not UTF-8")
  func workingDirectory() async throws {
    let name = Array(bench.path("tree-").utf8) + Self.hostile
    #expect(
      (name + [0]).withUnsafeBufferPointer {
        mkdir(UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self), 0o755)
      } == 0)
    var hook = bench.invocation(.shell("pwd -P; : > made"))
    hook.directory = BytePath(name)
    let result = await bench.runner.run(hook) { _ in }
    #expect(result.output == name + [0x0A])
    #expect(
      (name + Array("/made".utf8) + [0]).withUnsafeBufferPointer {
        access(UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self), F_OK)
      } == 0)
  }

  @Test("a program whose path is not UTF-8 is started, with its arguments")
  func programPath() async throws {
    let program = Array(bench.path("hook-").utf8) + Self.hostile
    let plain = try bench.script("plain", #"printf '%s|' "$0" "$@""#)
    #expect(
      (program + [0]).withUnsafeBufferPointer { new in
        rename(plain.description, UnsafeRawPointer(new.baseAddress!).assumingMemoryBound(to: CChar.self))
      } == 0)
    let result = await bench.run(.program(BytePath(program), arguments: ["a b", "-c"]))
    #expect(result.output == program + Array("|a b|-c|".utf8))
  }

  @Test("stdin is the manifest, and cannot be written to")
  func standardInput() async throws {
    let result = await bench.shell(
      "cat; { echo x >&0; } 2>/dev/null || echo read-only; sed -n 's/^flags:.*\\(.\\)$/\\1/p' /proc/self/fdinfo/0")
    #expect(result.text == "{\"version\":1}\nread-only\n0\n")
    #expect(try bench.read("manifest.json") == "{\"version\":1}\n")
  }

  @Test("a hook that closes its stdin early ends as it says")
  func closedInput() async throws {
    try bench.write("manifest.json", String(repeating: "x", count: 1_000_000))
    #expect(await bench.shell("exec <&-; echo done").ending == .exited(0))
  }

  @Test("a hook has three open descriptors, however many this process has")
  func descriptors() async {
    let pipe = Pipe()
    let open = open("/dev/null", O_RDONLY)
    defer { close(open) }
    let result = await bench.shell("exec ls /proc/self/fd")
    // The fourth is the directory that ls itself has open.
    #expect(result.text == "0\n1\n2\n3\n")
    withExtendedLifetime(pipe) {}
  }

  @Test("a hook leads a session of its own, and every signal has its default meaning")
  func sessionAndSignals() async {
    signal(SIGPIPE, SIG_IGN)
    let result = await bench.shell(
      "while read -r name value; do case $name in Sig[BI]*) echo $value;; esac; done < /proc/$$/status; "
        + "read -r pid _ _ _ group session _ < /proc/$$/stat; [ $group = $$ ] && [ $session = $$ ] && echo leader")
    let lines = result.text.split(separator: "\n")
    #expect(lines.count == 3)
    // Signals 32 and 33 are glibc's own, and posix_spawn ignores them for every program.
    #expect(lines.prefix(2).map { (Int($0, radix: 16) ?? -1) & 0x7FFF_FFFF } == [0, 0])
    #expect(lines.last == "leader")
  }

  @Test("a bare name is looked up in the PATH of the hook's environment, and never in the tree")
  func bareName() async throws {
    try bench.script("tool", "echo from the tree")
    try FileManager.default.createDirectory(atPath: bench.path("bin"), withIntermediateDirectories: false)
    try bench.script("bin/tool", "echo from PATH")
    let tool = Hook.Command.program(BytePath("tool"), arguments: [])
    let found = await bench.run(tool, environment: [EnvironmentVariable("PATH", ":.:/nowhere:\(bench.path("bin"))")])
    #expect(found.text == "from PATH\n")
    let missing = await bench.run(tool, environment: [EnvironmentVariable("PATH", ":.:/nowhere")])
    #expect(missing.ending == .couldNotStart("no such program in PATH: tool"))
  }
}

@Suite("Why a hook could not be started")
struct HookStartFailureTests {
  let bench: HookBench

  init() throws {
    bench = try HookBench()
  }

  private func reason(_ path: BytePath) async -> HookResult.Ending {
    await bench.run(.program(path, arguments: [])).ending
  }

  @Test("no such file")
  func missing() async {
    let path = bench.path("no\nhook")
    let shown = bench.path("no\\nhook")
    #expect(await reason(BytePath(path)) == .couldNotStart("no such file: \(shown)"))
  }

  @Test("not executable, by path and by name")
  func notExecutable() async throws {
    let path = try bench.script("hook", "exit 0", mode: 0o644)
    #expect(await reason(path) == .couldNotStart("not executable: \(path)"))
    let byName = await bench.run(
      .program(BytePath("hook"), arguments: []), environment: [EnvironmentVariable("PATH", bench.directory)])
    #expect(byName.ending == .couldNotStart("not executable: \(path)"))
  }

  @Test("a directory")
  func directory() async {
    #expect(await reason(BytePath(bench.directory)) == .couldNotStart("not a regular file: \(bench.directory)"))
  }

  @Test("its interpreter is missing, also for the carriage return behind it")
  func interpreter() async throws {
    let path = try bench.script("hook", "#!/no/such/sh -e\nexit 0")
    #expect(await reason(path) == .couldNotStart("its interpreter is missing: /no/such/sh"))
    let windows = try bench.script("windows", "#!/bin/sh\r\nexit 0\r\n")
    #expect(await reason(windows) == .couldNotStart("its interpreter is missing: /bin/sh\\r"))
  }

  @Test("its interpreter is not executable")
  func forbiddenInterpreter() async throws {
    let shell = try bench.script("shell", "exit 0", mode: 0o644)
    let path = try bench.script("hook", "#!\(shell)\n")
    #expect(await reason(path) == .couldNotStart("its interpreter is not executable: \(shell)"))
  }

  @Test("neither a script nor a program")
  func format() async throws {
    try bench.write("hook", "exit 0\n")
    chmod(bench.path("hook"), 0o755)
    let path = BytePath(bench.path("hook"))
    #expect(
      await reason(path)
        == .couldNotStart("neither a script with a #! line nor a program for this machine: \(path)"))
  }

  @Test("a relative path, an empty name")
  func names() async {
    #expect(await reason(BytePath("hooks/x")) == .couldNotStart("not an absolute path: hooks/x"))
    #expect(await reason(BytePath("")) == .couldNotStart("not the name of a program: ''"))
  }

  @Test("no directory, no manifest")
  func surroundings() async throws {
    var hook = bench.invocation(.shell("echo started > started"))
    hook.manifest = BytePath("/no/such/manifest.json")
    #expect(
      await bench.runner.run(hook) { _ in }.ending == .couldNotStart("no such manifest: /no/such/manifest.json"))
    hook.directory = BytePath(bench.path("manifest.json"))
    #expect(
      await bench.runner.run(hook) { _ in }.ending
        == .couldNotStart("not a directory: \(bench.path("manifest.json"))"))
    hook.directory = BytePath("/no/such/tree")
    #expect(await bench.runner.run(hook) { _ in }.ending == .couldNotStart("no such directory: /no/such/tree"))
    #expect(!bench.exists("started"))
  }

  @Test("names and values that no environment can hold")
  func environment() async {
    let number = await bench.run(.shell("exit 0"), environment: [EnvironmentVariable("1X", "")])
    #expect(number.ending == .couldNotStart("not a name for an environment variable: 1X"))
    let nul = await bench.run(.shell("exit 0"), environment: [EnvironmentVariable("X", [0x61, 0, 0x62])])
    #expect(nul.ending == .couldNotStart("the environment variable X contains a NUL byte"))
    let argument = await bench.shell("echo \0")
    #expect(argument.ending == .couldNotStart("an argument contains a NUL byte"))
  }

  @Test("more environment than the kernel takes")
  func tooLong() async throws {
    let path = try bench.script("hook", "exit 0")
    let value = [UInt8](repeating: 0x61, count: 200_000)
    let result = await bench.run(.program(path, arguments: []), environment: [EnvironmentVariable("X", value)])
    #expect(result.ending == .couldNotStart("argument list too long: \(path)"))
  }

  @Test("a script that is just being written is started once it is complete")
  func busy() async throws {
    let path = try bench.script("hook", "echo complete")
    let writer = open(path.description, O_WRONLY | O_CLOEXEC)
    #expect(writer >= 0)
    // A thread of its own, which no other test keeps from running.
    Thread.detachNewThread {
      // Long enough for the first attempts to meet the busy file; the outcome must be the same either way.
      usleep(100_000)
      close(writer)
    }
    #expect(await bench.run(.program(path, arguments: [])).text == "complete\n")
  }
}
