import SlipwayModel
import Testing

/// The contract of `Ledger`, for every implementation; each entry wants a new, empty ledger.
package let ledgerConformance: [Conformance<any Ledger>] =
  runConformance + uploadConformance + treeConformance + hookConformance + multipartConformance + historyConformance
  + mirrorConformance

private let runConformance: [Conformance<any Ledger>] = [
  Conformance("a run reads back in every state exactly as it was written") { ledger in
    for (index, state) in everyState.enumerated() {
      var run = fullRun(number: index)
      run.state = state
      try await ledger.commit([.run(run)])
      #expect(try await ledger.run(run.id) == run)
    }
  },
  Conformance("a new run reads back with nothing in its optional fields") { ledger in
    let run = plainRun(number: 1)
    try await ledger.commit([.run(run)])
    #expect(try await ledger.run(run.id) == run)
    #expect(try await ledger.run(RunID("nobody")) == nil)
  },
  Conformance("a run that is written again replaces its row and keeps its place") { ledger in
    var first = fullRun(number: 1)
    try await ledger.commit([.run(first), .run(plainRun(number: 2))])
    first.state = .finishing
    first.output = HookOutput()
    first.targetPrefix = nil
    try await ledger.commit([.run(first)])
    #expect(try await ledger.run(first.id) == first)
    #expect(try await ledger.unfinishedRuns().map(\.id) == [first.id, plainRun(number: 2).id])
  },
  Conformance("the unfinished runs are those without a final state, oldest first") { ledger in
    for (index, state) in everyState.enumerated() {
      var run = plainRun(number: index)
      run.state = state
      try await ledger.commit([.run(run)])
    }
    #expect(try await ledger.unfinishedRuns().map(\.state) == everyState.filter { !$0.isFinal })
  },
  Conformance("the latest run of a tree is the one that came last, whatever its time says") { ledger in
    let tree = plainRun(number: 1).tree
    let early = Run(id: RunID("zz"), tree: tree, marker: nil, created: Timestamp(seconds: 200))
    let late = Run(id: RunID("aa"), tree: tree, marker: nil, created: Timestamp(seconds: 100))
    let other = Run(id: RunID("mm"), tree: oddTree, marker: nil, created: Timestamp(seconds: 300))
    for run in [early, late, other] { try await ledger.commit([.run(run)]) }
    #expect(try await ledger.latestRun(of: tree) == late)
    #expect(try await ledger.latestRun(of: oddTree) == other)
    let nobody = TreeID(workflow: tree.workflow, watch: tree.watch, name: BytePath("nobody"))
    #expect(try await ledger.latestRun(of: nobody) == nil)
  },
  Conformance("runs are listed newest first, by workflow and by state, and no more than asked for") { ledger in
    for index in 0..<6 {
      var run = plainRun(number: index, workflow: index.isMultiple(of: 2) ? "even" : "odd")
      run.state = index < 4 ? .done : .failed
      try await ledger.commit([.run(run)])
    }
    func numbers(_ filter: RunFilter, limit: Int = 100) async throws -> [RunID] {
      try await ledger.runs(matching: filter, limit: limit).map(\.id)
    }
    #expect(try await numbers(RunFilter()) == [5, 4, 3, 2, 1, 0].map(runID))
    #expect(try await numbers(RunFilter(workflow: WorkflowName("even"))) == [4, 2, 0].map(runID))
    #expect(try await numbers(RunFilter(state: "failed")) == [5, 4].map(runID))
    #expect(try await numbers(RunFilter(workflow: WorkflowName("odd"), state: "done")) == [3, 1].map(runID))
    #expect(try await numbers(RunFilter(), limit: 2) == [5, 4].map(runID))
    #expect(try await numbers(RunFilter(), limit: 0) == [])
    #expect(try await numbers(RunFilter(before: runID(4)), limit: 2) == [3, 2].map(runID))
    #expect(try await numbers(RunFilter(state: "failed", before: runID(5))) == [4].map(runID))
    #expect(try await numbers(RunFilter(before: runID(0))) == [])
    #expect(try await numbers(RunFilter(before: RunID("nobody"))) == [])
  },
  Conformance("a commit with a row of an unknown run changes nothing, and the next one goes well") { ledger in
    let run = plainRun(number: 1)
    let stray = upload(run: RunID("nobody"), path: "x")
    let failure = await #expect(throws: Failure.self) {
      try await ledger.commit([.run(run), .answered(run.tree, someMarker), .uploads([stray])])
    }
    #expect(failure?.message == "cannot record run nobody: the ledger has no such run")
    #expect(failure?.kind == .permanent)
    #expect(try await ledger.run(run.id) == nil)
    #expect(try await ledger.answeredMarker(of: run.tree) == nil)
    try await ledger.commit([.run(run), .uploads([upload(run: run.id, path: "x")])])
    #expect(try await ledger.uploadCounts(of: run.id).values.map(\.proven) == [1])
  },
  Conformance("an empty commit goes well") { ledger in
    try await ledger.commit([])
    try await ledger.commit([.uploads([])])
    #expect(try await ledger.unfinishedRuns() == [])
  },
  Conformance("commits that come together are all there when they return") { ledger in
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<50 {
        group.addTask {
          var run = plainRun(number: index)
          try await ledger.commit([.run(run)])
          run.state = .preparing
          try await ledger.commit([.run(run), .uploads([upload(run: run.id, path: "a")])])
          #expect(try await ledger.run(run.id) == run)
          #expect(try await ledger.uploadCounts(of: run.id).values.map(\.proven) == [1])
        }
        // One that is refused takes nothing of the others with it, and leaves nothing of its own.
        group.addTask {
          let stray = [upload(run: runID(index), path: "stray"), upload(run: RunID("nobody"), path: "a")]
          let refused = plainRun(number: 100 + index)
          await #expect(throws: Failure.self) { try await ledger.commit([.run(refused), .uploads(stray)]) }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await ledger.unfinishedRuns().count == 50)
  },
]

private let uploadConformance: [Conformance<any Ledger>] = [
  Conformance("upload records read back exactly, whatever their status and names") { ledger in
    let run = plainRun(number: 1)
    let records = everyUpload(of: run.id)
    try await ledger.commit([.run(run), .uploads(records)])
    #expect(try await ledger.uploads(of: run.id, after: nil, limit: 1000) == sorted(records))
  },
  Conformance("records come in byte order of path, then of the destination's name") { ledger in
    let run = plainRun(number: 1)
    let paths: [[UInt8]] = [[0x62], [0xFF], [0x61, 0x2F, 0x62], [0x61, 0x2E], [0x61], [0x61, 0x2F]]
    var records: [UploadRecord] = []
    for path in paths {
      for destination in ["b", "a", "c"] {
        records.append(upload(run: run.id, path: BytePath(path), destination: destination))
      }
    }
    try await ledger.commit([.run(run), .uploads(records)])
    #expect(try await ledger.uploads(of: run.id, after: nil, limit: 1000) == sorted(records))
  },
  Conformance("records come in pages that tear no path apart") { ledger in
    let run = plainRun(number: 1)
    let records = (0..<10).flatMap { index in
      ["a", "b", "c"].map { upload(run: run.id, path: BytePath("file-\(index)"), destination: $0) }
    }
    try await ledger.commit([.run(run), .uploads(records)])
    var pages: [[UploadRecord]] = []
    var last: BytePath?
    while true {
      let page = try await ledger.uploads(of: run.id, after: last, limit: 4)
      if page.isEmpty { break }
      pages.append(page)
      last = page.last?.path
    }
    #expect(pages.map(\.count) == [6, 6, 6, 6, 6])
    #expect(pages.flatMap { $0 } == sorted(records))
  },
  Conformance("a record of the same run, path and destination replaces the earlier one") { ledger in
    let run = plainRun(number: 1)
    let failed = upload(run: run.id, path: "a", status: .failed("no such bucket", isPermanent: false))
    let other = upload(run: run.id, path: "a", destination: "other", key: "elsewhere/a")
    try await ledger.commit([.run(run), .uploads([failed, other])])
    #expect(
      try await ledger.uploadCounts(of: run.id) == [
        DestinationName("artifacts"): UploadCounts(failed: 1, error: "no such bucket"),
        DestinationName("other"): UploadCounts(proven: 1, bytes: 10),
      ])
    let proven = upload(run: run.id, path: "a", key: "another/prefix/a")
    try await ledger.commit([.uploads([proven])])
    #expect(try await ledger.uploads(of: run.id, after: nil, limit: 10) == sorted([proven, other]))
    #expect(
      try await ledger.uploadCounts(of: run.id) == [
        DestinationName("artifacts"): UploadCounts(proven: 1, bytes: 10),
        DestinationName("other"): UploadCounts(proven: 1, bytes: 10),
      ])
  },
  Conformance("what was found equal is counted with the proven ones and by itself, until it is sent") { ledger in
    let run = plainRun(number: 1)
    let found = UploadRecord.Status.proven(PutReceipt(size: 10, etag: "e", checksum: nil, isSent: false))
    let records = ["a", "b"].map { upload(run: run.id, path: $0, status: found) } + [upload(run: run.id, path: "c")]
    try await ledger.commit([.run(run), .uploads(records)])
    let name = DestinationName("artifacts")
    #expect(try await ledger.uploadCounts(of: run.id) == [name: UploadCounts(proven: 3, found: 2, bytes: 30)])
    try await ledger.commit([.uploads([upload(run: run.id, path: "b")])])
    #expect(try await ledger.uploadCounts(of: run.id) == [name: UploadCounts(proven: 3, found: 1, bytes: 30)])
  },
  Conformance("a run inherits what the latest earlier run of its tree has proven, as found equal") {
    ledger in
    var runs = (1...4).map { plainRun(number: $0) }
    for number in 1...3 {
      runs[number] = Run(id: runs[number].id, tree: runs[0].tree, marker: nil, created: runs[number].created)
    }
    let stranger = plainRun(number: 9)
    try await ledger.commit((runs + [stranger]).map { .run($0) })
    let failed = UploadRecord.Status.failed("no", isPermanent: true)
    func found(_ record: UploadRecord, of run: Run) -> UploadRecord {
      guard case .proven(let receipt) = record.status else { return record }
      return UploadRecord(
        run: run.id, destination: record.destination, path: record.path, fingerprint: record.fingerprint,
        key: record.key,
        status: .proven(
          PutReceipt(size: receipt.size, etag: receipt.etag, checksum: receipt.checksum, isSent: false)))
    }
    let old = [upload(run: runs[0].id, path: "oldest"), upload(run: stranger.id, path: "stranger")]
    let proven = ["a", "b"].map { upload(run: runs[1].id, path: $0, key: "pre/\($0)") }
    try await ledger.commit([.uploads(old + proven + [upload(run: runs[1].id, path: "c", status: failed)])])
    let own = upload(run: runs[3].id, path: "b", key: "other/b")
    try await ledger.commit([.inheritUploads(runs[3].id), .uploads([own])])
    #expect(try await ledger.uploads(of: runs[3].id, after: nil, limit: 10) == [found(proven[0], of: runs[3]), own])
    #expect(try await ledger.uploads(of: runs[1].id, after: nil, limit: 10).count == 3)
    // The first has no earlier one, and whoever has rows keeps them.
    try await ledger.commit([.inheritUploads(runs[0].id), .inheritUploads(runs[3].id)])
    #expect(try await ledger.uploads(of: runs[0].id, after: nil, limit: 10) == [old[0]])
    #expect(try await ledger.uploads(of: runs[3].id, after: nil, limit: 10).last == own)
  },
  Conformance("records of one commit may belong to several runs") { ledger in
    let (one, two) = (plainRun(number: 1), plainRun(number: 2))
    let records = [upload(run: one.id, path: "a"), upload(run: two.id, path: "b"), upload(run: one.id, path: "c")]
    try await ledger.commit([.run(one), .run(two), .uploads(records)])
    #expect(try await ledger.uploads(of: one.id, after: nil, limit: 10) == [records[0], records[2]])
    #expect(try await ledger.uploads(of: two.id, after: nil, limit: 10) == [records[1]])
  },
  Conformance("a forgotten path is gone at every destination, and only in its run") { ledger in
    let (one, two) = (plainRun(number: 1), plainRun(number: 2))
    let records = [one, two].flatMap { run in
      ["a", "b"].map { upload(run: run.id, path: "x", destination: $0) } + [upload(run: run.id, path: "y")]
    }
    try await ledger.commit([.run(one), .run(two), .uploads(records)])
    try await ledger.commit([.forgetUploads(one.id, path: BytePath("x"))])
    try await ledger.commit([.forgetUploads(RunID("nobody"), path: BytePath("x"))])
    #expect(try await ledger.uploads(of: one.id, after: nil, limit: 10).map(\.path) == [BytePath("y")])
    #expect(try await ledger.uploads(of: two.id, after: nil, limit: 10).count == 3)
  },
  Conformance("a forgotten destination has no records of that run, and keeps those of others") { ledger in
    let (one, two) = (plainRun(number: 1), plainRun(number: 2))
    let records = [one, two].flatMap { run in
      ["a", "b"].map { upload(run: run.id, path: "x", destination: $0) }
    }
    try await ledger.commit([.run(one), .run(two), .uploads(records)])
    try await ledger.commit([.forgetDestination(one.id, DestinationName("a"))])
    try await ledger.commit([.forgetDestination(one.id, DestinationName("nobody"))])
    #expect(try await ledger.uploads(of: one.id, after: nil, limit: 10).map(\.destination.text) == ["b"])
    #expect(try await ledger.uploads(of: two.id, after: nil, limit: 10).count == 2)
  },
  Conformance("what was proven at another place of the same name is nothing that runs go on with, or inherit") {
    ledger in
    func run(_ number: Int) -> Run {
      Run(id: runID(number), tree: plainRun(number: 1).tree, marker: nil, created: Timestamp(seconds: Int64(number)))
    }
    var over = run(1)
    over.state = .done
    let left = plainRun(number: 2)
    let records = [over, left].flatMap { run in
      ["a", "b"].map { upload(run: run.id, path: "x", destination: $0) }
    }
    let moved = DestinationName("a")
    try await ledger.commit([.address(moved, "one"), .run(over), .run(left), .uploads(records)])
    try await ledger.commit([.address(moved, "one"), .address(DestinationName("b"), "one")])
    #expect(try await ledger.uploads(of: left.id, after: nil, limit: 10).count == 2)
    #expect(try await ledger.address(of: moved) == "one")
    try await ledger.commit([.address(moved, "another")])
    #expect(try await ledger.address(of: moved) == "another")
    #expect(try await ledger.uploads(of: left.id, after: nil, limit: 10).map(\.destination.text) == ["b"])
    #expect(try await ledger.uploads(of: over.id, after: nil, limit: 10).count == 2)
    let (next, last) = (run(3), run(4))
    try await ledger.commit([.run(next), .inheritUploads(next.id)])
    #expect(try await ledger.uploads(of: next.id, after: nil, limit: 10).map(\.destination.text) == ["b"])
    try await ledger.commit([.uploads([upload(run: next.id, path: "x", destination: "a")])])
    try await ledger.commit([.run(last), .inheritUploads(last.id)])
    #expect(try await ledger.uploads(of: last.id, after: nil, limit: 10).map(\.destination.text) == ["a", "b"])
  },
  Conformance("an unknown run has no records and no counts") { ledger in
    let records = try await ledger.uploads(of: RunID("nobody"), after: nil, limit: 10)
    #expect(records == [])
    #expect(try await ledger.uploadCounts(of: RunID("nobody")) == [:])
    #expect(try await ledger.hooks(of: RunID("nobody")) == [])
  },
]

private let hookConformance: [Conformance<any Ledger>] = [
  Conformance("hook records read back exactly, in the order of their first start") { ledger in
    let run = plainRun(number: 1)
    var records = everyEnding.enumerated().map { index, result in hook(run: run.id, "hook \(9 - index)", result) }
    try await ledger.commit([.run(run)] + records.map { .hook($0) })
    #expect(try await ledger.hooks(of: run.id) == records)
    records[0] = HookRecord(
      run: run.id, phase: .post, hook: records[0].hook, attempt: 7, started: Timestamp(seconds: 99), result: nil)
    try await ledger.commit([.hook(records[0])])
    #expect(try await ledger.hooks(of: run.id) == records)
  },
  Conformance("a pre and a post hook of one name are two") { ledger in
    let run = plainRun(number: 1)
    let records = [Hook.Phase.pre, .post].map { phase in
      HookRecord(run: run.id, phase: phase, hook: "x", attempt: 1, started: Timestamp(seconds: 1), result: nil)
    }
    try await ledger.commit([.run(run)] + records.map { .hook($0) })
    #expect(try await ledger.hooks(of: run.id) == records)
  },
  Conformance("a hook's whole output is kept, byte for byte") { ledger in
    let run = plainRun(number: 1)
    let output = (0..<HookResult.outputLimit).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let record = hook(run: run.id, "h", HookResult(ending: .exited(1), output: output, duration: .zero))
    try await ledger.commit([.run(run), .hook(record)])
    #expect(try await ledger.hooks(of: run.id) == [record])
  },
]
