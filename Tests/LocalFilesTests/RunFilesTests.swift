import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import LocalFiles

@Suite("The files of runs", .timeLimit(.minutes(1)))
struct RunFilesTests {
  @Test(
    "A state directory that is full is fatal; what a hook has done to its run's files is not",
    .enabled(if: SmallFileSystem.isAvailable, "mounting needs root"))
  func full() throws {
    let disk = try SmallFileSystem(kilobytes: 64)
    let files = LocalRunFiles(state: disk.path)
    let run = RunID("01")
    let paths = try files.open(run, workflow: WorkflowName("w"))
    try disk.fill()
    let failure = try #require(throws: Failure.self) {
      let manifest = try files.beginManifest(of: run)
      try manifest.append([UInt8](repeating: 0, count: 128 * 1024))
    }
    #expect(failure.kind == .fatal && failure.code == "ENOSPC")
    disk.release()
    #expect(paths.output.withCString { unlink($0) } == 0)
    #expect(paths.output.withCString { symlink("/etc/passwd", $0) } == 0)
    let swapped = try #require(throws: Failure.self) { try files.output(of: run, limit: 9) }
    #expect(swapped.kind != .fatal && swapped.code == "ELOOP")
  }

  @Test("What a hook has put in the place of its run's files holds nobody up")
  func replaced() throws {
    let tree = TemporaryTree()
    let files = LocalRunFiles(state: tree.path)
    let paths = try files.open(Self.run, workflow: WorkflowName("w"))
    tree.file("kept")
    for replace in [{ tree.fifo("runs/01/output") }, { tree.link("runs/01/output", to: "../../kept") }] {
      #expect(paths.output.withCString { unlink($0) } == 0)
      replace()
      _ = try files.open(Self.run, workflow: WorkflowName("w"))
      #expect(try files.output(of: Self.run, limit: 9) == [])
    }
    tree.fifo("runs/01/manifest.json.new")
    let manifest = try files.beginManifest(of: Self.run)
    try manifest.append(Array("{}".utf8))
    try manifest.commit()
    #expect(try files.openManifest(of: Self.run).fingerprint.size == 2)
    #expect(paths.manifest.withCString { unlink($0) } == 0)
    tree.fifo("runs/01/manifest.json")
    let failure = try #require(throws: Failure.self) { _ = try files.openManifest(of: Self.run) }
    #expect(
      failure.message == "cannot read \(paths.manifest): it is not a regular file: a hook has replaced it")
    #expect(try LocalTreeFiles().fingerprint(BytePath("kept"), in: tree.path)?.size == 1)
  }

  @Test("Nothing of a run stays, whatever its hooks have left there; what a link leads to does")
  func removed() throws {
    let tree = TemporaryTree()
    let files = LocalRunFiles(state: tree.path)
    _ = try files.open(Self.run, workflow: WorkflowName("w"))
    for name in ["runs/01/note", "runs/01/a/b/c", "kept/x"] { tree.file(name) }
    tree.directory("runs/01/a/empty")
    tree.fifo("runs/01/a/fifo")
    tree.link("runs/01/a/link", to: "../../../kept")
    try files.remove(Self.run)
    #expect(!tree.exists("runs/01") && tree.exists("runs") && tree.exists("kept/x"))
    try files.remove(Self.run)
    tree.link("runs/01", to: "../kept")
    try files.remove(Self.run)
    #expect(!tree.exists("runs/01") && tree.exists("kept/x"))
  }

  private static let run = RunID("01")
}
