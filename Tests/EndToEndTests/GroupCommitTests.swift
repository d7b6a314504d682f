import Foundation
import TestSupport
import Testing

@Suite("What a big tree costs the disk", .needsBinary)
struct GroupCommitTests {
  @Test(
    "5,000 files are recorded with a few fsyncs of the state directory",
    .enabled(if: Tracer.isAvailable, Comment(rawValue: Tracer.need)), arguments: ["copy", "store"])
  func fewSyncs(_ destination: String) async throws {
    try await World.with(.scripted([])) { world in
      try world.configure("hooks: { post: ['/bin/true'] }", to: "[\(destination)]")
      let names = (0..<5000).map { "f\($0)" }
      try world.makeTree("t", Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }))
      let state = ["", "/ledger.sqlite", "/ledger.sqlite-wal", "/ledger.sqlite.new"].map { world.scratch("state" + $0) }
      let wrapper = Tracer.recording("fsync,fdatasync", on: state, log: world.scratch("trace"))
      try await world.run("run", "--once", "-q", wrapper: wrapper, upTo: World.bulkLimit)
      let count =
        destination == "copy" ? try world.copies().count : world.scripted?.keys(in: world.bucket).count
      #expect(count == names.count)
      let syncs = world.scratch.lines("trace").filter { $0.contains("sync(") }
      // One after each group of a moment's changes: the slower, the more. One a file would be 5,000.
      #expect((5...200).contains(syncs.count), "\(syncs.count)")
    }
  }
}
