import SlipwayModel
import Testing

/// What the contract of `MirrorRecords` says, and the changes that belong to it; each entry wants a new, empty ledger.
let mirrorConformance: [Conformance<any Ledger>] = [
  Conformance("what lies at a mirror's keys reads back as it was written, in byte order, below any path") { ledger in
    let paths = [
      [0x61], [0x61, 0x2F, 0x62], [0x61, 0x2F, 0xFF], [0x61, 0x2E, 0x62], [0x61, 0x30], [0x62], [0xC3, 0xA9],
    ]
    let objects = paths.enumerated().flatMap { index, path in
      [there, here].map { mirrored(BytePath(path.map(UInt8.init)), number: index, at: $0) }
    }
    try await ledger.commit([.mirrored(oddTree, objects)])
    let sorted = objects.sorted { $0.path == $1.path ? $0.destination < $1.destination : $0.path < $1.path }
    #expect(try await ledger.mirrored(by: oddTree, within: .here, after: nil, limit: 100) == sorted)
    #expect(try await ledger.mirrored(by: otherTree, within: .here, after: nil, limit: 100) == [])
    let within = try await ledger.mirrored(by: oddTree, within: BytePath("a"), after: nil, limit: 100)
    #expect(within == sorted.filter { $0.path.isWithin(BytePath("a")) })
    #expect(within.count == 6)
    #expect(
      try await ledger.mirrored(by: oddTree, within: .here, after: sorted[0].path, limit: 3) == Array(sorted[2..<6]))
    let below = try await ledger.mirrored(by: oddTree, within: BytePath("a"), after: BytePath("a/b"), limit: 100)
    #expect(below.map(\.path) == [BytePath([0x61, 0x2F, 0xFF]), BytePath([0x61, 0x2F, 0xFF])])
  },
  Conformance("a mirror's object is replaced, found by its inode, counted, and removed") { ledger in
    let known = mirrored(BytePath("a"), number: 7, at: here)
    let unknown = MirroredObject(path: BytePath("b"), destination: here, content: nil, state: .gone)
    try await ledger.commit([.mirrored(oddTree, [known, unknown, mirrored(BytePath("a"), number: 7, at: there)])])
    let found = try await ledger.mirrored(by: oddTree, inode: 7)
    #expect(Set(found.map(\.destination)) == [here, there] && Set(found.map(\.path)) == [BytePath("a")])
    #expect(try await ledger.mirrored(by: oddTree, inode: 8) == [])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here) == MirrorCounts(all: 2, gone: 1, toDelete: 1))
    try await ledger.commit([.mirrored(oddTree, [known.with(.gone)])])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here) == MirrorCounts(all: 2, gone: 2, toDelete: 2))
    #expect(try await ledger.mirrorCounts(of: oddTree, at: there) == MirrorCounts(all: 1, gone: 0, toDelete: 0))
    let toDelete = try await ledger.mirroredToDelete(by: oddTree, at: here, after: nil, limit: 10)
    #expect(toDelete == [known.with(.gone), unknown])
    #expect(try await ledger.mirroredToDelete(by: oddTree, at: here, after: BytePath("a"), limit: 10) == [unknown])
    #expect(try await ledger.mirroredToDelete(by: oddTree, at: here, after: nil, limit: 1) == [known.with(.gone)])
    try await ledger.commit([.unmirrored(oddTree, here, [BytePath("a"), BytePath("none")])])
    #expect(
      try await ledger.mirrored(by: oddTree, within: .here, after: nil, limit: 9).map(\.path) == [
        BytePath("a"), BytePath("b"),
      ])
  },
  Conformance("a file that is gone is not counted where its content lies at another key, of a file that is there") {
    ledger in
    let (old, new) = (mirrored(BytePath("old"), number: 7, at: here), mirrored(BytePath("new"), number: 7, at: here))
    let elsewhere = mirrored(BytePath("new"), number: 7, at: there)
    let other = mirrored(BytePath("other"), number: 8, at: here)
    try await ledger.commit([
      .mirrored(oddTree, [old.with(.gone), elsewhere, other]), .mirrored(otherTree, [new]),
    ])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here) == MirrorCounts(all: 2, gone: 1, toDelete: 1))
    try await ledger.commit([.mirrored(oddTree, [new])])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here) == MirrorCounts(all: 3, gone: 0, toDelete: 1))
    try await ledger.commit([.mirrored(oddTree, [new.with(.gone)])])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here) == MirrorCounts(all: 3, gone: 2, toDelete: 2))
    try await ledger.commit([.mirrored(oddTree, [MirroredObject(path: new.path, destination: here, content: nil)])])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here) == MirrorCounts(all: 3, gone: 1, toDelete: 1))
  },
  Conformance("the directory of a mirror is remembered, each tree's own, until there is another one") { ledger in
    #expect(try await ledger.mirrorRoot(of: oddTree) == nil)
    let roots = [DirectoryIdentity(inode: .max, born: -1), DirectoryIdentity(inode: 2, born: nil)]
    for root in roots {
      try await ledger.commit([.mirrorRoot(oddTree, root)])
      #expect(try await ledger.mirrorRoot(of: oddTree) == root)
    }
    #expect(try await ledger.mirrorRoot(of: otherTree) == nil)
  },
  Conformance("the directories of a mirror on which something is mounted are remembered, each tree's own") { ledger in
    let paths = [[0x61], [0x61, 0x2E], [0xFF]].map { BytePath($0.map(UInt8.init)) }
    #expect(try await ledger.mirrorMounts(of: oddTree) == [])
    for path in paths.reversed() + paths { try await ledger.commit([.mirrorMount(oddTree, path)]) }
    #expect(try await ledger.mirrorMounts(of: oddTree) == paths)
    #expect(try await ledger.mirrorMounts(of: otherTree) == [])
    try await ledger.commit([.mirrorMountsGone(oddTree, [paths[0], paths[2]])])
    #expect(try await ledger.mirrorMounts(of: oddTree) == [paths[1]])
  },
  Conformance("a mirror's place is remembered, and another address forgets what was known of the first") { ledger in
    #expect(try await ledger.mirrorPlace(of: oddTree, at: here) == nil)
    let place = MirrorPlace(address: "s3://b/x", isComplete: true)
    try await ledger.commit([.mirrorPlace(oddTree, here, place), .mirrorPlace(oddTree, there, place)])
    try await ledger.commit([
      .mirrored(oddTree, [mirrored(BytePath("a"), number: 1, at: here), mirrored(BytePath("a"), number: 1, at: there)])
    ])
    #expect(try await ledger.mirrorPlace(of: oddTree, at: here) == place)
    try await ledger.commit([.mirrorPlace(oddTree, here, MirrorPlace(address: "s3://b/x", isComplete: false))])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here).all == 1)
    try await ledger.commit([.mirrorPlace(oddTree, here, MirrorPlace(address: "s3://b/y", isComplete: true))])
    #expect(try await ledger.mirrorCounts(of: oddTree, at: here).all == 0)
    #expect(try await ledger.mirrorCounts(of: oddTree, at: there).all == 1)
    // Its number must not become another tree's.
    #expect(try await ledger.forgottenTrees(from: 0, limit: 100).elements == [])
  },
]

private let (here, there) = (DestinationName("here"), DestinationName("there"))
private let otherTree = TreeID(workflow: WorkflowName("w"), watch: BytePath("/srv"), name: .here)

private func mirrored(_ path: BytePath, number: Int, at destination: DestinationName) -> MirroredObject {
  let file = Fingerprint(
    device: .max, inode: UInt64(number), size: 12, modified: Int64(number) << 40, changed: Int64(number) << 40 + 3)
  let receipt = PutReceipt(
    size: 12, etag: number.isMultiple(of: 2) ? "00ff" : "odd-2",
    checksum: number.isMultiple(of: 3) ? nil : Checksum(algorithm: .md5, value: [0, 255]))
  return MirroredObject(
    path: path, destination: destination, content: MirroredObject.Content(fingerprint: file, receipt: receipt))
}
