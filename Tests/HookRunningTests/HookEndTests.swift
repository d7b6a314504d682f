import Foundation
import HookRunning
import SlipwayModel
import TestSupport
import Testing

@Suite("How a hook ends")
struct HookEndTests {
  let bench: HookBench

  init() throws {
    bench = try HookBench()
  }

  @Test("an exit code is told as it is", arguments: [Int32(0), 1, 75, 77, 255])
  func exitCode(_ code: Int32) async {
    #expect(await bench.shell("exit \(code)").ending == .exited(code))
  }

  @Test("a signal is told as it is", arguments: [SIGKILL, SIGTERM, SIGSEGV])
  func signalled(_ signal: Int32) async {
    #expect(await bench.shell("kill -\(signal) $$").ending == .signalled(signal))
  }

  @Test("a hook that hangs is ended by TERM at its time limit")
  func hangs() async {
    let result = await bench.hanging("trap 'echo got TERM; exit 3' TERM; echo up; while :; do sleep 0.05; done") {
      $0.text.hasPrefix("up\n")
    }
    #expect(result.ending == .timedOut)
    #expect(result.text.hasPrefix("up\n"))
    #expect(result.text.hasSuffix("got TERM\n"))
    #expect(result.duration >= HookBench.hangingTimeoutMin)
  }

  @Test("a hook that ignores TERM is killed after its grace, with what it has started")
  func ignoresTerm() async throws {
    let result = await bench.hanging(
      "trap '' TERM; echo $$; (trap '' TERM; exec sleep 1000) & echo $!; while :; do sleep 1; done",
      grace: .milliseconds(100)
    ) { Processes.named(in: $0).count == 2 }
    #expect(result.ending == .timedOut)
    #expect(Processes.named(in: result).count == 2)
    #expect(Processes.living(in: result) == [])
  }

  @Test("TERM reaches what has gone into a session of its own below the hook")
  func termBelow() async {
    let result = await bench.hanging(
      "trap : TERM; setsid sh -c 'trap \"echo below; exit\" TERM; echo up; while :; do sleep 0.05; done'; echo after"
    ) { $0.text.contains("up\n") }
    #expect(result.ending == .timedOut)
    #expect(result.text.contains("below\n"))
    #expect(result.text.hasSuffix("after\n"))
  }

  @Test("a stopped hook is ended, too")
  func stopped() async {
    let result = await bench.shell("kill -STOP $$", timeout: .milliseconds(200), grace: .seconds(60))
    #expect(result.ending == .timedOut)
  }

  @Test("cancelling the task ends the hook as the time limit does")
  func cancelled() async throws {
    let up = Signal()
    let task = Task { [bench] in
      await bench.shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done", grace: .seconds(60)) {
        if $0.elementsEqual("up".utf8) { up.fire() }
      }
    }
    await up.wait()
    task.cancel()
    let result = await task.value
    #expect(result.ending == .cancelled)
    #expect(result.text.hasPrefix("up\n"))
    #expect(result.text.hasSuffix("bye\n"))
  }

  @Test("in a task that is cancelled already nothing is started")
  func cancelledBefore() async {
    let ending = await Task { [bench] in
      withUnsafeCurrentTask { $0?.cancel() }
      return await bench.shell("echo started > started").ending
    }.value
    #expect(ending == .cancelled)
    #expect(!bench.exists("started"))
  }

  @Test("a hook that is deleted while it runs ends as it says")
  func deleted() async throws {
    let path = try bench.script("hook", #"rm -- "$0"; echo still here; exit 4"#)
    let result = await bench.run(.program(path, arguments: []))
    #expect(result.ending == .exited(4))
    #expect(result.text == "still here\n")
    let again = await bench.run(.program(path, arguments: []))
    #expect(again.ending == .couldNotStart("no such file: \(path)"))
  }

  @Test("a tree that is deleted meanwhile hurts nobody")
  func treeDeleted() async throws {
    let result = await bench.shell(#"rm -r -- "$PWD"; echo gone; exit 5"#)
    #expect(result.ending == .exited(5))
    #expect(result.text == "gone\n")
  }

  @Test("fifty at once, each with its own result and output")
  func fifty() async {
    let results = await withTaskGroup(of: (Int, HookResult).self) { [bench] group in
      for number in 0..<50 {
        group.addTask { (number, await bench.shell("sleep 0.1; echo \(number); exit \(number)")) }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    for number in 0..<50 {
      #expect(results[number]?.ending == .exited(Int32(number)))
      #expect(results[number]?.text == "\(number)\n")
    }
  }

  /// In a process of its own: it kills the hooks of every test beside it.
  @Test("one that is killed with this process has not failed")
  func killed() async throws {
    if Alone.isHere {
      let result = await bench.shell("echo up; exec sleep 1000") { [bench] _ in bench.runner.killAll() }
      return #expect(result.ending == .cancelled && result.text == "up\n")
    }
    let alone = try Alone.start("HookEndTests/killed")
    let ending = await alone.end(upTo: .seconds(300))
    #expect(ending == .exited(0) && alone.transcript.contains("with 1 test "), "\(alone.transcript)")
  }
}
