import Foundation
import HookRunning
import SlipwayModel
import TestSupport
import Testing

@Suite("What a hook leaves")
struct LeftOverTests {
  let bench: HookBench

  init() throws {
    bench = try HookBench()
  }

  @Test("a background process that holds the output is killed, and its last words are read")
  func background() async {
    let result = await bench.shell("(echo early; exec sleep 1000) & echo $!; exit 6")
    #expect(result.ending == .exited(6))
    #expect(result.text.contains("early\n"))
    #expect(Processes.named(in: result).count == 1)
    #expect(Processes.living(in: result) == [])
  }

  @Test("what has left the session by double fork is found and killed, with or without the output")
  func doubleFork() async throws {
    for redirection in ["", ">/dev/null 2>&1 </dev/null"] {
      let result = await bench.shell(
        "(setsid sh -c 'echo $$ > daemon; exec sleep 1000' \(redirection) &) ; "
          + "until [ -s daemon ]; do sleep 0.01; done; cat daemon; rm daemon")
      #expect(result.ending == .exited(0))
      #expect(Processes.named(in: result).count == 1)
      #expect(Processes.living(in: result) == [])
    }
  }

  @Test("nohup and a family below it do not help")
  func family() async {
    let result = await bench.shell(
      "nohup setsid sh -c '(sleep 1000 & echo $! >> pids; sleep 1000 & echo $! >> pids; echo $$ >> pids; wait)' "
        + ">/dev/null 2>&1 & until [ \"$(wc -l < pids)\" = 3 ]; do sleep 0.01; done 2>/dev/null; cat pids")
    #expect(Processes.named(in: result).count == 3)
    #expect(Processes.living(in: result) == [])
  }

  @Test("an orphan that shows no origin is killed once no hook runs that began before it")
  func cleared() async {
    let result = await bench.shell(
      "(setsid env -i /bin/sh -c 'echo $$ > daemon; exec sleep 1000' >/dev/null 2>&1 &); "
        + "until [ -s daemon ]; do sleep 0.01; done; cat daemon")
    #expect(Processes.named(in: result).count == 1)
    // Tests beside this one may run hooks that began before; each end of one looks again.
    for _ in 0..<600 where !Processes.living(in: result).isEmpty { _ = await bench.shell("sleep 0.1") }
    #expect(Processes.living(in: result) == [])
  }

  @Test("one that is just being executed is found beside a hook that goes on: it shows its origin a moment later")
  func beingExecuted() async throws {
    let up = Signal()
    let long = Task { [bench] in
      await bench.shell("echo up; until [ -e finish ]; do sleep 0.01; done") {
        if $0.elementsEqual("up".utf8) { up.fire() }
      }
    }
    await up.wait()
    // Executed over and over, so that it mostly is when somebody looks.
    let again = try bench.script("again", "exec \"$0\"\n")
    var left: Set<pid_t> = []
    for _ in 0..<40 {
      let result = await bench.shell(
        "(setsid sh -c 'echo $$ > daemon; exec \(again)' >/dev/null 2>&1 </dev/null &) ; "
          + "until [ -s daemon ]; do :; done; read -r pid <daemon; echo $pid; rm daemon")
      #expect(Processes.named(in: result).count == 1)
      left.formUnion(Processes.living(in: result))
    }
    #expect(left == [])
    try bench.write("finish", "")
    #expect(await long.value.ending == .exited(0))
  }

  @Test("the orphans of a hook that still runs are left alone when another ends")
  func others() async throws {
    let marked = "setsid sh -c 'echo $$ > marked; exec sleep 1000'"
    let cleared = "setsid env -i /bin/sh -c 'echo $$ > cleared; exec sleep 1000'"
    let up = Signal()
    let long = Task { [bench] in
      await bench.shell(
        "((\(marked)) >/dev/null 2>&1 &); ((\(cleared)) >/dev/null 2>&1 &); "
          + "until [ -s marked ] && [ -s cleared ]; do sleep 0.01; done; cat marked cleared; echo up; "
          + "until [ -e finish ]; do sleep 0.01; done"
      ) { if $0.elementsEqual("up".utf8) { up.fire() } }
    }
    await up.wait()
    for _ in 0..<3 { #expect(await bench.shell("sleep 1000 & exit 0").ending == .exited(0)) }
    let pids = Processes.named(in: try bench.read("marked") + bench.read("cleared"))
    #expect(pids.count == 2)
    #expect(Processes.living(pids) == pids)
    try bench.write("finish", "")
    let result = await long.value
    #expect(result.ending == .exited(0))
    for _ in 0..<600 where !Processes.living(pids).isEmpty { _ = await bench.shell("sleep 0.1") }
    #expect(Processes.living(pids) == [])
  }

  @Test("a child of this process that is no hook's is neither killed nor reaped")
  func foreign() async {
    var children: [pid_t] = []
    for words in [["sleep", "1000"], ["true"]] {
      var child = pid_t()
      let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
      defer { arguments.forEach { free($0) } }
      #expect(posix_spawnp(&child, words[0], nil, nil, arguments, nil) == 0)
      children.append(child)
    }
    for _ in 0..<5 { _ = await bench.shell("sleep 1000 & exit 0") }
    var status: CInt = 0
    #expect(waitpid(children[0], &status, WNOHANG) == 0)
    kill(children[0], SIGKILL)
    #expect(children.map { waitpid($0, &status, 0) } == children)
  }

  @Test("no zombie stays, of the hook or of what it orphaned")
  func zombies() async {
    // The test can tell: a child that nobody has waited for is there.
    var child = pid_t()
    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
    defer { free(arguments[0]) }
    #expect(posix_spawn(&child, "/bin/true", nil, nil, arguments, nil) == 0)
    #expect(Processes.living([child]) == [child])
    waitpid(child, nil, 0)
    #expect(Processes.living([child]) == [])

    let result = await bench.shell("echo $$; (true & echo $!; setsid true & echo $!) ; (sleep 0.05 & echo $!)")
    #expect(Processes.named(in: result).count == 4)
    #expect(Processes.living(in: result) == [])
  }

  /// In a process of its own: tests beside this one open and close some of theirs.
  @Test("no descriptor stays, whatever the end")
  func descriptors() async throws {
    if Alone.isHere { return await expectNoDescriptors() }
    let alone = try Alone.start("LeftOverTests/descriptors")
    let ending = await alone.end(upTo: .seconds(300))
    #expect(ending == .exited(0), "\(alone.transcript)")
    #expect(alone.transcript.contains("with 1 test "), "\(alone.transcript)")
  }

  private func expectNoDescriptors() async {
    // The count can tell.
    let opened = (0..<3).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
    let before = Processes.openDescriptors()
    opened.forEach { close($0) }
    #expect(Processes.openDescriptors() == before - 3)

    _ = await bench.shell("exit 0")
    let start = Processes.openDescriptors()
    for _ in 0..<20 {
      _ = await bench.shell("echo x")
      _ = await bench.run(.program(BytePath("/no/such/hook"), arguments: []))
      _ = await bench.shell("sleep 1000", timeout: .zero)
      _ = await bench.run(.shell("exit 0"), environment: [EnvironmentVariable("1X", "")])
    }
    // The runtime may open one for itself meanwhile; one a hook would be 80.
    #expect(Processes.openDescriptors() < start + 10)
  }
}

enum Processes {
  /// The numbers among the lines of a hook's output.
  static func named(in result: HookResult) -> Set<pid_t> { named(in: result.text) }

  static func named(in text: String) -> Set<pid_t> {
    Set(text.split(separator: "\n").compactMap { pid_t($0) })
  }

  static func living(in result: HookResult) -> Set<pid_t> { living(named(in: result)) }

  /// Those that the kernel still knows, zombies included.
  static func living(_ pids: Set<pid_t>) -> Set<pid_t> {
    pids.filter { FileManager.default.fileExists(atPath: "/proc/\($0)") }
  }

  static func openDescriptors() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  }
}
