import SlipwayModel
import TestSupport
import Testing

@testable import Engine

@Suite("The ledger of workflows that only tell") struct DryRunLedgerTests {
  private let kept = InMemoryLedger()
  private let watch = BytePath("/srv/in")

  private var ledger: DryRunLedger { DryRunLedger(kept, dry: [WorkflowName("dry")]) }

  private func tree(_ name: String, of workflow: String = "dry") -> TreeID {
    TreeID(workflow: WorkflowName(workflow), watch: watch, name: BytePath(name))
  }

  private func marker(_ number: UInt64) -> MarkerIdentity { MarkerIdentity(inode: number, modified: 1) }

  private func run(_ tree: TreeID, _ number: UInt64 = 1) -> Run {
    Run(
      id: RunID(at: Timestamp(seconds: 1), entropy: (0, number)), tree: tree, marker: marker(number),
      created: Timestamp(seconds: 1))
  }

  private func names(_ ledger: DryRunLedger, limit: Int = 2) async throws -> [String] {
    var names: [String] = []
    var last: BytePath?
    while true {
      let page = try await ledger.answeredTrees(WorkflowName("dry"), watch: watch, after: last, limit: limit)
      guard let end = page.last else { return names }
      #expect(page.count <= limit)
      names += page.map { "\($0.name)=\($0.marker.inode)" }
      last = end.name
    }
  }

  @Test("What it is told of them it knows, and keeps none of; of the others everything is kept")
  func keepsNothing() async throws {
    let ledger = ledger
    let (dry, live) = (run(tree("t")), run(tree("t", of: "live"), 2))
    try await ledger.commit([.run(dry), .answered(dry.tree, marker(1)), .run(live), .answered(live.tree, marker(2))])
    #expect(
      try await ledger.answeredMarkers(of: [dry.tree, live.tree]) == [dry.tree: marker(1), live.tree: marker(2)])
    let (known, latest) = (try await ledger.run(dry.id), try await ledger.latestRun(of: dry.tree))
    #expect(known == dry && latest == dry)
    #expect(try await kept.answeredMarkers(of: [dry.tree, live.tree]) == [live.tree: marker(2)])
    let (keptDry, keptLive) = (try await kept.run(dry.id), try await kept.run(live.id))
    #expect(keptDry == nil && keptLive == live)
    var over = dry
    over.state = .done
    try await ledger.commit([.run(over)])
    #expect(try await ledger.run(dry.id) == nil)
  }

  @Test("A run that an earlier process left stays unfinished, is not gone on with, and can be cancelled")
  func left() async throws {
    var left = run(tree("t"))
    left.state = .uploading
    try await kept.commit([.run(left)])
    let ledger = ledger
    #expect(try await ledger.unfinishedRuns() == [])
    left.state = .cancelled
    try await ledger.commit([.run(left)])
    #expect(try await kept.run(left.id)?.state == .cancelled)
  }

  @Test("Answered trees come in byte order, what was told in this process in place of what is kept, page by page")
  func merges() async throws {
    try await kept.commit((1...6).map { .answered(tree("t\($0)"), marker($0)) })
    let ledger = ledger
    try await ledger.commit([
      .answered(tree("t2"), marker(20)), .answered(tree("t3"), nil), .answered(tree("t4"), nil),
      .answered(tree("t45"), marker(45)), .answered(tree("a"), marker(9)), .answered(tree("z"), marker(10)),
      .answered(tree("b", of: "live"), marker(11)),
    ])
    for limit in [1, 2, 3, 100] {
      #expect(
        try await names(ledger, limit: limit) == ["a=9", "t1=1", "t2=20", "t45=45", "t5=5", "t6=6", "z=10"], "\(limit)")
    }
    #expect(try await kept.answeredMarker(of: tree("t3")) == marker(3))
  }

  @Test("It remembers so many trees, the latest")
  func bounded() async throws {
    let ledger = ledger
    let count = DryRunLedger.answeredMax * 2 + 1
    try await ledger.commit((0..<count).map { .answered(tree("t\($0)"), marker(1)) })
    #expect(try await ledger.answeredMarker(of: tree("t0")) == nil)
    #expect(try await ledger.answeredMarker(of: tree("t\(count - 1)")) == marker(1))
    let page = try await ledger.answeredTrees(WorkflowName("dry"), watch: watch, after: nil, limit: count)
    #expect(page.count == DryRunLedger.answeredMax)
  }
}
