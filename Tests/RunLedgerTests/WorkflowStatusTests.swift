import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import RunLedger

@Suite("What the ledger says of each workflow")
struct WorkflowStatusTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func run(_ number: Int, _ workflow: String, _ tree: String, _ state: RunState) -> Run {
    let tree = TreeID(workflow: WorkflowName(workflow), watch: BytePath("/in"), name: BytePath(tree))
    var run = Run(id: RunID("\(number)"), tree: tree, marker: nil, created: Timestamp(seconds: 1))
    run.state = state
    run.updated = Timestamp(seconds: Int64(number))
    return run
  }

  private func waiting(until seconds: Int64) -> RunState {
    .waiting(RunState.Waiting(stage: .upload, until: Timestamp(seconds: seconds), why: "no", isDeferral: false))
  }

  @Test("Every run that is not over, the failed that are the latest of their trees, the done since a time; by workflow")
  func groups() async throws {
    let ledger = try await SQLiteLedger(in: StateDirectory(directory.path("state")))
    try await ledger.commit(
      [
        run(1, "b", "old", .done), run(2, "b", "mended", .failed), run(3, "b", "mended", .done),
        run(4, "b", "broken", .failed), run(5, "b", "late", .done), run(6, "b", "w1", waiting(until: 90)),
        run(7, "b", "w2", waiting(until: 80)), run(8, "b", "x", .uploading), run(9, "b", "y", .retiring),
        run(10, "b", "z", .ready), run(11, "a", "t", .skipped), run(12, "a", "u", .failed),
        run(13, "c", "v", .cancelled),
      ].map { .run($0) })
    let status = try await ledger.status(doneSince: Timestamp(seconds: 3), limit: 10)
    #expect(status.map(\.workflow.text) == ["a", "b"])
    let b = try #require(status.last)
    func ids(_ group: WorkflowStatus.Group) -> [String] { group.runs.map(\.id.text) }
    #expect(ids(b.underWay) == ["8", "9"] && ids(b.ready) == ["10"] && ids(b.waiting) == ["7", "6"])
    #expect(ids(b.failed) == ["4"] && ids(b.done) == ["5", "3"])
    #expect(status.first.map { ids($0.failed) } == ["12"])
    let short = try await ledger.status(doneSince: Timestamp(seconds: 0), limit: 1)
    #expect(short.last.map { [$0.underWay, $0.waiting, $0.done].map(\.count) } == [2, 2, 3])
    #expect(short.last.map { [ids($0.underWay), ids($0.waiting), ids($0.done)] } == [["8"], ["7"], ["5"]])
    await ledger.close()
  }

  @Test("Who holds the state directory is told without a lock, and nobody once it is given back")
  func holder() throws {
    let path = directory.path("state")
    #expect(StateDirectory.holder(of: path) == nil)
    let held = try StateDirectory(path)
    #expect(StateDirectory.holder(of: path) == getpid())
    held.unlock()
    #expect(StateDirectory.holder(of: path) == nil)
  }

  @Test("Only a lock that is held counts, on this file, by the process that the file names")
  func locks() {
    let lines = """
      1: POSIX  ADVISORY  WRITE 7 fe:00:10 0 EOF
      2: FLOCK  ADVISORY  WRITE 7 fe:00:11 0 EOF
      2: -> FLOCK  ADVISORY  WRITE 8 fe:00:11 0 EOF
      """
    #expect(StateDirectory.isHeld(inode: 11, by: 7, locks: lines))
    #expect(!StateDirectory.isHeld(inode: 11, by: 8, locks: lines))
    #expect(!StateDirectory.isHeld(inode: 10, by: 7, locks: lines))
    #expect(!StateDirectory.isHeld(inode: 11, by: 7, locks: "FLOCK"))
  }
}
