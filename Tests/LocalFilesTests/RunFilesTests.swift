import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import LocalFiles

@Suite("The files of runs")
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
}
