import HookRunning
import SlipwayModel
import Testing

@Suite("What a hook costs")
struct SpawnCostTests {
  @Test("two hundred hooks, sixteen at a time, all end well; the cost is printed")
  func burst() async throws {
    let bench = try HookBench()
    let program = Hook.Command.program(BytePath("/bin/true"), arguments: [])
    _ = await bench.run(program)
    let clock = ContinuousClock()
    var ended = 0
    let together = await clock.measure {
      ended = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<200 {
          if number >= 16 { _ = await group.next() }
          group.addTask { await bench.run(program).ending == .exited(0) }
        }
        return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
    }
    var duration = Duration.zero
    for _ in 0..<50 { duration += await bench.run(program).duration }
    #expect(ended == 16)
    print("200 hooks, 16 at a time: \(together); one after another: \(duration / 50) each")
  }
}
