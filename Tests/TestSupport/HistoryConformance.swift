import SlipwayModel
import Testing

let historyConformance: [Conformance<any Ledger>] = [
  Conformance("only runs that ended before a time are history, whatever their final state") { ledger in
    for (index, state) in everyState.enumerated() {
      try await ledger.commit([.run(run(index, "t\(index)", state, at: 100))])
    }
    try await ledger.commit([.run(run(98, "young", .done, at: 101)), .run(run(99, "old", .done, at: 99))])
    let expected = everyState.indices.filter { everyState[$0].isFinal && everyState[$0] != .failed }.map(runID)
    let failed = everyState.indices.filter { everyState[$0] == .failed }.map(runID)
    let found = try await expired(ledger, before: 101)
    #expect(found == (expected + failed).sorted() + [runID(99)])
    #expect(try await expired(ledger, before: 100) == [runID(99)])
  },
  Conformance("no run of a tree that is in one, and none with a multipart upload, is history") { ledger in
    try await ledger.commit([
      .run(run(1, "t", .done, at: 1)), .run(run(2, "t", .waiting(wait), at: 1)), .run(run(3, "u", .done, at: 1)),
      .multipart(multipart(run: runID(3), token: "t")), .run(run(4, "v", .failed, at: 1)),
      .run(run(5, "v", .uploading, at: 1)),
    ])
    #expect(try await expired(ledger, before: 9) == [])
    try await ledger.commit([.expire(runID(2), limit: 9), .expire(runID(3), limit: 9), .expire(runID(5), limit: 9)])
    for number in 1...5 { #expect(try await ledger.run(runID(number)) != nil) }
    try await ledger.commit([.multipartEnded(multipart(run: runID(3), token: "t"))])
    #expect(try await expired(ledger, before: 9) == [runID(3)])
  },
  Conformance("the latest run of a tree stays if it has failed and the tree's marker is answered") { ledger in
    let tree = run(1, "t", .failed, at: 1).tree
    try await ledger.commit([
      .run(run(1, "t", .failed, at: 1)), .run(run(2, "t", .failed, at: 1)), .answered(tree, someMarker),
    ])
    #expect(try await expired(ledger, before: 9) == [runID(1)])
    try await ledger.commit([.answered(tree, nil)])
    #expect(try await expired(ledger, before: 9) == [runID(1), runID(2)])
  },
  Conformance("a run goes with its rows, so many at a time, and nothing of other runs") { ledger in
    let (old, other) = (run(1, "t", .done, at: 1), run(2, "u", .done, at: 1))
    let names = (0..<5).map { "file-\($0)" }
    try await ledger.commit([
      .run(old), .run(other), .uploads(names.map { upload(run: old.id, path: $0) }),
      .uploads([upload(run: other.id, path: "x")]), .hook(hook(run: old.id, "h", nil)),
      .hook(hook(run: other.id, "h", nil)),
    ])
    for left in [3, 1] {
      try await ledger.commit([.expire(old.id, limit: 2)])
      #expect(try await ledger.uploads(of: old.id, after: nil, limit: 99).count == left)
      #expect(try await ledger.run(old.id) == old)
    }
    try await ledger.commit([.expire(old.id, limit: 2), .expire(RunID("nobody"), limit: 2)])
    #expect(try await ledger.run(old.id) == nil)
    #expect(try await ledger.hooks(of: old.id) == [])
    #expect(try await ledger.latestRun(of: old.tree) == nil)
    #expect(try await ledger.run(other.id) == other)
    #expect(try await ledger.hooks(of: other.id).count == 1)
    #expect(try await ledger.uploads(of: other.id, after: nil, limit: 99).count == 1)
    // A new run finds nothing of the one that is gone, whatever number it gets.
    let next = run(3, "v", .uploading, at: 2)
    try await ledger.commit([.expire(other.id, limit: 2)])
    try await ledger.commit([.run(next), .uploads([upload(run: next.id, path: "new")])])
    #expect(try await ledger.uploads(of: next.id, after: nil, limit: 99).map(\.path) == [BytePath("new")])
    #expect(try await ledger.hooks(of: next.id) == [])
  },
  Conformance("history is looked through in pages, and ends where runs are young") { ledger in
    for index in 0..<5 { try await ledger.commit([.run(run(index, "t\(index)", .done, at: 1))]) }
    let first = try await ledger.expiredRuns(before: Timestamp(seconds: 9), from: 0, limit: 2)
    #expect(first.elements == [0, 1].map(runID))
    try await ledger.commit(first.elements.map { .expire($0, limit: 9) })
    let second = try await ledger.expiredRuns(before: Timestamp(seconds: 9), from: first.next ?? -1, limit: 2)
    #expect(second.elements == [2, 3].map(runID))
    let last = try await ledger.expiredRuns(before: Timestamp(seconds: 9), from: second.next ?? -1, limit: 2)
    #expect(last == HistoryPage(elements: [runID(4)], next: nil))
    let young = try await ledger.expiredRuns(before: Timestamp(seconds: 0), from: 0, limit: 2)
    #expect(young == HistoryPage(elements: [], next: nil))
  },
  Conformance("a tree is forgotten with its stems once it has no run and no answered marker") { ledger in
    let ended = run(1, "t", .done, at: 1)
    let (tree, here) = (ended.tree, DestinationName("here"))
    try await ledger.commit([
      .run(ended), .answered(tree, someMarker), .stem(ObjectKey("k"), at: here, from: tree.path),
      .stem(ObjectKey("other"), at: here, from: BytePath("/elsewhere")),
      .uploads([upload(run: ended.id, path: "x", destination: "here")]),
    ])
    func forget() async throws {
      let page = try await ledger.forgottenTrees(from: 0, limit: 99)
      // Even if it is asked for too much.
      try await ledger.commit([.forgetTrees(page.elements + [tree])])
    }
    try await forget()
    #expect(try await ledger.owner(ofStem: ObjectKey("k"), at: here) == tree.path)
    try await ledger.commit([.expire(ended.id, limit: 9)])
    try await forget()
    #expect(try await ledger.answeredMarker(of: tree) == someMarker)
    #expect(try await ledger.owner(ofStem: ObjectKey("k"), at: here) == tree.path)
    try await ledger.commit([.answered(tree, nil)])
    #expect(try await ledger.forgottenTrees(from: 0, limit: 99).elements == [tree])
    try await forget()
    #expect(try await ledger.owner(ofStem: ObjectKey("k"), at: here) == nil)
    #expect(try await ledger.owner(ofStem: ObjectKey("other"), at: here) == BytePath("/elsewhere"))
    #expect(try await ledger.forgottenTrees(from: 0, limit: 99).elements == [])
  },
  Conformance("a path keeps its stems as long as another workflow has a tree there, by whatever watched directory") {
    ledger in
    let one = TreeID(workflow: WorkflowName("one"), watch: BytePath("/srv/out"), name: BytePath("a/t"))
    let two = TreeID(workflow: WorkflowName("two"), watch: BytePath("/srv/out/a"), name: BytePath("t"))
    let three = TreeID(workflow: WorkflowName("two"), watch: BytePath("/srv/out/a/t"), name: .here)
    let here = DestinationName("here")
    let old = Run(id: runID(1), tree: one, marker: nil, created: Timestamp(seconds: 1))
    var ended = old
    ended.state = .done
    try await ledger.commit([.run(ended), .uploads([upload(run: ended.id, path: "x", destination: "here")])])
    try await ledger.commit([.stem(ObjectKey("k"), at: here, from: one.path), .expire(ended.id, limit: 9)])
    for other in [two, three] {
      try await ledger.commit([.answered(other, someMarker), .answered(one, someMarker), .answered(one, nil)])
      try await ledger.commit([.forgetTrees([one])])
      #expect(try await ledger.owner(ofStem: ObjectKey("k"), at: here) == one.path)
      try await ledger.commit([.answered(other, nil)])
      if other == two { try await ledger.commit([.answered(three, someMarker), .forgetTrees([two])]) }
    }
    try await ledger.commit([.forgetTrees([three])])
    #expect(try await ledger.owner(ofStem: ObjectKey("k"), at: here) == nil)
  },
]

private let wait = RunState.Waiting(stage: .upload, until: Timestamp(seconds: 5), why: "no", isDeferral: false)

private func run(_ number: Int, _ tree: String, _ state: RunState, at seconds: Int64) -> Run {
  let tree = TreeID(workflow: WorkflowName("w"), watch: BytePath("/srv/out"), name: BytePath(tree))
  var run = Run(id: runID(number), tree: tree, marker: nil, created: Timestamp(seconds: 0))
  run.state = state
  run.updated = Timestamp(seconds: seconds)
  return run
}

private func expired(_ ledger: any Ledger, before seconds: Int64) async throws -> [RunID] {
  try await ledger.expiredRuns(before: Timestamp(seconds: seconds), from: 0, limit: 1000).elements
}
