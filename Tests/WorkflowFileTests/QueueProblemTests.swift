import Foundation
import SlipwayModel
import Testing
import WorkflowFile

@Suite("Problems with a queue")
struct QueueProblemTests {
  private let bundle = Bundle()

  private func load(_ queue: String, _ more: String = "", watch: String = "in") -> LoadResult {
    bundle.load(
      """
      version: 1
      destinations: { out: { type: directory, path: out } }
      workflows:
        w:
          watch: \(watch)
          queue: \(queue)
          destinations: [out]
      \(more)
      """)
  }

  private func heads(_ queue: String, _ more: String = "", watch: String = "in") -> [String] {
    bundle.heads(load(queue, more, watch: watch))
  }

  private static let whole = "{ working: work, completed: done, failed: bad }"

  @Test("A queue says where its files are worked on, and what becomes of them")
  func decoded() throws {
    try bundle.makeDirectory("in")
    let workflow = try #require(load(Self.whole).configuration?.workflows.first)
    let directory = { (name: String) in BytePath(bundle.path(name)) }
    #expect(workflow.intake == .queue(working: directory("work")))
    #expect(workflow.after == After(success: .move(directory("done")), failure: .move(directory("bad"))))
    let words = try #require(
      load("{ working: work, completed: delete, failed: resubmit }").configuration?.workflows.first)
    #expect(words.after == After(success: .delete, failure: .resubmit))
    let paths = load("{ working: work, completed: ./delete, failed: delete }").configuration?.workflows.first
    #expect(paths?.after == After(success: .move(directory("delete")), failure: .delete))
  }

  @Test("Its keys are required, known, and have these values")
  func keys() throws {
    try bundle.makeDirectory("in")
    #expect(
      heads("{ workin: a, completed: resubmit }") == [
        "workflows.yaml:6:5: error: missing key 'working'",
        "workflows.yaml:6:5: error: missing key 'failed'",
        "workflows.yaml:6:14: error: unknown key 'workin'; did you mean 'working'?",
        "workflows.yaml:6:36: error: what has arrived is not resubmitted; expected a directory or delete",
      ])
    #expect(
      heads("{ working: a, completed: b, failed: c, batch: 0 }") == [
        "workflows.yaml:6:58: error: expected a whole number from 1 to 1000, found '0'"
      ])
    #expect(
      heads("{ working: a, completed: b, failed: c, batch: 9 }") == [
        "workflows.yaml:6:58: warning: 'batch' says how many files share a start of each hook, and there are no hooks"
      ])
    #expect(heads("working") == ["workflows.yaml:6:12: error: expected a mapping, found text"])
  }

  @Test("Neither another intake nor 'after' stands beside it, nor a second watched directory")
  func alone() throws {
    for name in ["in", "more"] { try bundle.makeDirectory(name) }
    #expect(
      heads(Self.whole, "    ready: closed") == [
        "workflows.yaml:6:5: error: 'queue' cannot stand beside 'ready': a workflow has one intake"
      ])
    #expect(
      heads(Self.whole, "    after: delete") == [
        "workflows.yaml:8:5: error: 'after' cannot stand beside 'queue', whose 'completed' and 'failed' say what becomes "
          + "of a file"
      ])
    #expect(
      heads(Self.whole, watch: "[in, more]") == [
        "workflows.yaml:5:17: error: a queue has one watched directory: a file in 'working' must tell where it comes from"
      ])
    #expect(
      heads(Self.whole, "    commit: manifest") == [
        "workflows.yaml:8:13: error: 'commit: manifest' is for trees of many files; with 'queue' each file is a tree, and "
          + "arrives whole"
      ])
    #expect(
      heads(Self.whole, "    tree_settings: true") == [
        "workflows.yaml:8:5: error: with 'queue' each file is a tree, and has no '.slipway.yaml' in it; remove "
          + "'tree_settings'"
      ])
  }

  @Test("Its directories are made, and lie outside of what is watched")
  func directories() throws {
    try bundle.makeDirectory("in")
    try bundle.write("file")
    let place = "workflows.yaml:6:"
    #expect(
      heads("{ working: in/work, completed: file, failed: work }") == [
        place + "23: error: '$D/in/work' lies in the watched directory '$D/in'; name a directory outside",
        place + "43: error: '$D/file' is not a directory",
      ])
    #expect(
      heads("{ working: work, completed: work, failed: delete }") == [
        place + "40: error: '$D/work' is the directory of 'working' already"
      ])
  }

  @Test("Another file system is told: there files cannot be moved by renaming them", .enabled(if: differs))
  func fileSystems() throws {
    try bundle.makeDirectory("in")
    #expect(
      heads("{ working: /dev/shm/slipway-none, completed: delete, failed: delete }") == [
        "workflows.yaml:6:23: error: '/dev/shm/slipway-none' is on another file system than the watched directory "
          + "'$D/in'; files of a queue are claimed and moved by renaming them"
      ])
  }

  @Test("Two workflows neither watch nor work in one directory with a queue")
  func shared() throws {
    try bundle.makeDirectory("in")
    try bundle.makeDirectory("other")
    let second = """
        v: { watch: WATCH, queue: { working: work, completed: delete, failed: delete }, destinations: [out] }
      """
    #expect(
      heads(Self.whole, second.replacingOccurrences(of: "WATCH", with: "other")) == [
        "workflows.yaml:8:40: error: '$D/work' is where the files of workflow 'w' are worked on already"
      ])
    let problems = heads(Self.whole, second.replacingOccurrences(of: "WATCH", with: "in"))
    #expect(
      problems.contains(
        "workflows.yaml:8:15: error: the watched directory '$D/in' is '$D/in' of workflow 'w'; only workflows with "
          + "after: keep may overlap"), "\(problems)")
  }

  @Test("A destination that proves nothing is none for a queue")
  func proof() throws {
    try bundle.makeDirectory("in")
    let problems = bundle.heads(
      bundle.load(
        """
        version: 1
        destinations: { s: { type: s3, bucket: some, region: r, checksum: none } }
        workflows:
          w: { watch: in, queue: { working: work, completed: delete, failed: delete }, destinations: [s] }
        """))
    #expect(
      problems == [
        "workflows.yaml:4:19: error: the destination 's' proves nothing (checksum: none without verify_etag: true), so a "
          + "queue cannot dispose of the files"
      ])
  }
}

/// Whether /dev/shm is another file system than /tmp, where the tests' directories lie.
private let differs: Bool = {
  let places = ["/tmp", "/dev/shm"].map { place in
    // What is not there has no number.
    try? FileManager.default.attributesOfItem(atPath: place)[.systemNumber] as? Int
  }
  return places[0] != nil && places[1] != nil && places[0] != places[1]
}()
