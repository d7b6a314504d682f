import SlipwayModel
import Testing

let treeConformance: [Conformance<any Ledger>] = [
  Conformance("an answered marker is remembered until it has been seen gone") { ledger in
    for tree in [plainRun(number: 1).tree, oddTree] {
      #expect(try await ledger.answeredMarker(of: tree) == nil)
      try await ledger.commit([.answered(tree, someMarker)])
      #expect(try await ledger.answeredMarker(of: tree) == someMarker)
      let next = MarkerIdentity(inode: .max, modified: .min)
      try await ledger.commit([.answered(tree, next)])
      #expect(try await ledger.answeredMarker(of: tree) == next)
      try await ledger.commit([.answered(tree, nil)])
      #expect(try await ledger.answeredMarker(of: tree) == nil)
      try await ledger.commit([.answered(tree, nil)])
    }
  },
  Conformance("the answered trees of a watched directory come in byte order and in pages") { ledger in
    let watch = BytePath("/srv/in")
    let names: [[UInt8]] = [[0x62], [0xC3, 0xA9], [0x65, 0xCC, 0x81], [0xFF], [0x2E], [0x61, 0x2F, 0x62]]
    func tree(_ name: [UInt8], workflow: String = "w", watch: BytePath = watch) -> TreeID {
      TreeID(workflow: WorkflowName(workflow), watch: watch, name: BytePath(name))
    }
    for name in names { try await ledger.commit([.answered(tree(name), someMarker)]) }
    try await ledger.commit([
      .answered(tree([0x7A], workflow: "other"), someMarker),
      .answered(tree([0x7A], watch: BytePath("/srv/in2")), someMarker),
      .answered(tree([0x78]), someMarker), .answered(tree([0x78]), nil),
    ])
    let expected = names.map { AnsweredTree(name: BytePath($0), marker: someMarker, hasFailed: false) }
      .sorted { $0.name < $1.name }
    let workflow = WorkflowName("w")
    #expect(try await ledger.answeredTrees(workflow, watch: watch, after: nil, limit: 100) == expected)
    #expect(try await ledger.answeredTrees(workflow, watch: watch, after: nil, limit: 2) == Array(expected[..<2]))
    let middle = try await ledger.answeredTrees(workflow, watch: watch, after: expected[1].name, limit: 3)
    #expect(middle == Array(expected[2..<5]))
    #expect(try await ledger.answeredTrees(workflow, watch: watch, after: expected[5].name, limit: 3) == [])
    let some = try await ledger.answeredMarkers(of: [tree(names[0]), tree([0x78]), tree(names[3])])
    #expect(some == [tree(names[0]): someMarker, tree(names[3]): someMarker])
  },
  Conformance("an answered tree says whether its latest run has failed") { ledger in
    var (first, second) = (plainRun(number: 1), plainRun(number: 2))
    let tree = first.tree
    func hasFailed() async throws -> [Bool] {
      try await ledger.answeredTrees(tree.workflow, watch: tree.watch, after: nil, limit: 10).filter {
        $0.name == tree.name
      }.map(\.hasFailed)
    }
    first.state = .failed
    try await ledger.commit([.run(first), .answered(tree, someMarker)])
    #expect(try await hasFailed() == [true])
    second = Run(id: second.id, tree: tree, marker: someMarker, created: second.created)
    try await ledger.commit([.run(second)])
    #expect(try await hasFailed() == [false])
  },
  Conformance("a key stem belongs to the path that used it last, at each destination by itself") { ledger in
    let stem = ObjectKey([0x70, 0xFF, 0x2F])
    let (here, there) = (DestinationName("here"), DestinationName("there"))
    #expect(try await ledger.owner(ofStem: stem, at: here) == nil)
    try await ledger.commit([.stem(stem, at: here, from: BytePath("/a")), .stem(stem, at: there, from: BytePath("/b"))])
    #expect(try await ledger.owner(ofStem: stem, at: here) == BytePath("/a"))
    #expect(try await ledger.owner(ofStem: stem, at: there) == BytePath("/b"))
    try await ledger.commit([.stem(stem, at: here, from: BytePath([0x2F, 0xFE]))])
    #expect(try await ledger.owner(ofStem: stem, at: here) == BytePath([0x2F, 0xFE]))
    #expect(try await ledger.owner(ofStem: ObjectKey("p"), at: here) == nil)
  },
]
