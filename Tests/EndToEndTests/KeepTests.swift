import Foundation
import RunLedger
import SlipwayModel
import TestSupport
import Testing

@Suite("How long the ledger remembers", .needsBinary)
struct KeepTests {
  @Test(
    "What ended longer ago than settings.keep is gone from it, and is not delivered again", arguments: [false, true])
  func keep(byService: Bool) async throws {
    try await World.with(.none) { world in
      try world.configure(
        "hooks: { post: [{ shell: 'echo $SLIPWAY_TREE_NAME >>\(world.scratch("log"))' }] }", to: "[copy]",
        settings: "keep: 2d")
      for name in ["old", "young"] { try world.makeTree(name, ["x": name]) }
      try await world.run("run", "--once")
      let ledger = try await SQLiteLedger(in: StateDirectory(BytePath(world.scratch("state"))))
      for run in try await ledger.runs(matching: RunFilter(), limit: 9) {
        var run = run
        let days: Int64 = run.tree.name == BytePath("old") ? 3 : 1
        run.updated = run.updated + .seconds(-86_400 * days)
        try await ledger.commit([.run(run)])
      }
      await ledger.close()
      if byService {
        let service = try await world.startService()
        #expect(await service.line(containing: "runs removed from the ledger") != nil, "\(service.transcript)")
        service.signal(SIGTERM)
        try await service.expectEnd(.exited(0))
      } else {
        try await world.run("run", "--once")
      }
      let runs = try await world.run("runs", "--json").objects()
      #expect(runs.map { $0["tree"] as? String } == [world.scratch("in/young")])
      #expect(world.scratch.lines("log").sorted() == ["old", "young"])
      try world.scratch.remove("in/old/.ready")
      try world.scratch.write("", to: "in/old/.ready")
      try await world.run("run", "--once")
      #expect(world.scratch.lines("log").sorted() == ["old", "old", "young"])
    }
  }
}
