import LocalFiles
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A new file that appears in the tree after the plan") struct NewFileFaultTests {
  /// A tree `t` of a file `x`, in which `new` appears once `x` is being sent: the directory has been listed by then.
  private func world() throws -> EngineWorld {
    let directory = Mutex<TemporaryDirectory?>(nil)
    let world = try EngineWorld(gate: { _ in
      // Only the first time.
      let once = directory.withLock { value in
        defer { value = nil }
        return value
      }
      _ = try? once?.write("2", to: "in/t/new")
    })
    directory.withLock { $0 = world.directory }
    try world.makeReady("t", ["x": "1"])
    return world
  }

  @Test("fault 9: with 'keep' it waits for the next marker")
  func keep() async throws {
    let world = try world()
    #expect(try await world.process().failed.count == 0)
    #expect(try world.directory.list(BytePath("in/t")).contains(BytePath("new")))
    #expect(try await world.process().failed.count == 0)
    #expect(world.keys() == ["t/x"])
    try world.makeReady("t", [:])
    #expect(try await world.process().failed.count == 0)
    #expect(world.keys() == ["t/new", "t/x"])
  }

  @Test("fault 9: otherwise the scan before 'after' finds it, and nothing is disposed of before it has been delivered")
  func delete() async throws {
    let world = try world()
    world.set { $0.after = After(success: .delete) }
    let found = Mutex<(why: String, left: [BytePath])?>(nil)
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes {
        guard case .waiting(let waiting) = run.state else { continue }
        let left = (try? world.directory.list(BytePath("in/t"))) ?? []
        found.withLock { $0 = (waiting.why, left) }
      }
    }
    #expect(try await world.process().failed.count == 0)
    let (why, left) = try #require(found.withLock { $0 })
    #expect(why == "\(world.directory.path("in/t/new")) is new since the upload")
    #expect(left == [".ready", "new", "x"].map { BytePath($0) })
    #expect(world.keys() == ["t/new", "t/x"])
    #expect(world.store().puts.count == 2)
    #expect(try world.directory.list(BytePath("in")).isEmpty)
  }
}
