import Foundation
import HookRunning
import SlipwayModel
import Testing

@Suite("The ready-made hook cleanup")
struct CleanupScriptTests {
  let bench: ScriptBench

  init() throws {
    bench = try ScriptBench()
  }

  private func notes() -> Int { bench.names(in: bench.state + "/cleanup").count }

  @Test("what was delivered goes after its days, whatever it is called, and a second run removes nothing more")
  func removes() async throws {
    try FileManager.default.createDirectory(atPath: bench.tree + "/-d x/e", withIntermediateDirectories: true)
    for name in ScriptBench.hostileNames {
      bench.make(name, "content")
      bench.make(Array("-d x/e/".utf8) + name, "content below")
    }
    bench.make(".ready", "")
    let paths = ScriptBench.hostileNames + ScriptBench.hostileNames.map { Array("-d x/e/".utf8) + $0 }
    let manifest = try bench.manifest(of: paths, destinations: ["artifacts", "copy"])

    let early = await bench.run("cleanup", manifest: manifest)
    #expect(early.ending == .exited(0))
    #expect(early.text == "")
    #expect(bench.names().count == ScriptBench.hostileNames.count + 2)
    #expect(notes() == 1)

    let late = await bench.run("cleanup", ["--keep", "0"], manifest: manifest)
    #expect(late.ending == .exited(0))
    #expect(late.text == "")
    // The marker is not in the manifest.
    #expect(bench.names() == [Array(".ready".utf8)])
    #expect(notes() == 0)
    #expect(await bench.run("cleanup", ["--keep", "0"], manifest: manifest).text == "")
    #expect(bench.names() == [Array(".ready".utf8)])
    #expect(bench.names(in: bench.state) == [Array("cleanup".utf8)])

    #expect(await bench.run("cleanup", ["--keep", "0", "--marker", ".ready"], manifest: manifest).ending == .exited(0))
    #expect(bench.names(in: bench.bench.path("watch")) == [])
  }

  @Test("a file that changed, or is not in the manifest, stays and keeps its directories")
  func changed() async throws {
    try FileManager.default.createDirectory(atPath: bench.tree + "/sub/deep", withIntermediateDirectories: true)
    for name in ["same", "grown", "touched", "new\nline", "sub/other", "sub/deep/file"] { bench.make(name, "content") }
    let manifest = try bench.manifest(
      of: ["same", "grown", "touched", "new\nline", "sub/deep/file", "gone/with/it"].map { Array($0.utf8) })
    bench.make("grown", "content and more")
    bench.make("touched", "CONTENT")
    bench.make("new\nline", "CONTENT")
    let result = await bench.run("cleanup", ["--keep", "0"], manifest: manifest)
    #expect(result.ending == .exited(0))
    #expect(
      result.text.split(separator: "\n").sorted() == [
        "cleanup: changed since it was delivered, stays: ./grown",
        "cleanup: changed since it was delivered, stays: ./new?line",
        "cleanup: changed since it was delivered, stays: ./touched",
      ])
    #expect(bench.names() == ["grown", "new\nline", "sub", "touched"].map { Array($0.utf8) })
    #expect(bench.names(in: bench.tree + "/sub") == [Array("other".utf8)])
    #expect(notes() == 0)
  }

  @Test("no link is followed, below the tree or in its place")
  func links() async throws {
    try FileManager.default.createDirectory(atPath: bench.tree + "/sub", withIntermediateDirectories: true)
    bench.make("sub/file", "content")
    bench.make("top", "content")
    let manifest = try bench.manifest(of: [Array("sub/file".utf8), Array("top".utf8)])
    // Everything is as in the manifest, but elsewhere.
    rename(bench.tree + "/sub", bench.bench.path("victim"))
    symlink(bench.bench.path("victim"), bench.tree + "/sub")
    #expect(await bench.run("cleanup", manifest: manifest).ending == .exited(0))
    rename(bench.tree, bench.bench.path("elsewhere"))
    symlink(bench.bench.path("elsewhere"), bench.tree)
    #expect(
      await bench.run(
        "cleanup", ["--keep", "0"], environment: [EnvironmentVariable("SLIPWAY_STATUS", "failure")],
        manifest: manifest
      ).ending == .exited(0))
    #expect(bench.bench.exists("victim/file"))
    #expect(bench.bench.exists("elsewhere/top"))
    unlink(bench.tree)
    rename(bench.bench.path("elsewhere"), bench.tree)
    #expect(await bench.run("cleanup", ["--keep", "0"], manifest: manifest).ending == .exited(0))
    #expect(bench.bench.exists("victim/file"))
    #expect(bench.names() == [Array("sub".utf8)])
  }

  @Test("the watched directory itself stays, an emptied tree goes, what lies above it stays")
  func directories() async throws {
    bench.make("file", "content")
    let root = await bench.run("cleanup", ["--keep", "0"], treeName: ".", manifest: try bench.manifest())
    #expect(root.ending == .exited(0))
    #expect(bench.names(in: bench.bench.path("watch")) == [Array("tree".utf8)])
    bench.make("file", "content")
    let tree = await bench.run("cleanup", ["--keep", "0"], treeName: "watch/tree", manifest: try bench.manifest())
    #expect(tree.ending == .exited(0))
    #expect(bench.names(in: bench.bench.path("watch")) == [])
  }

  @Test("a tree that is a single file", arguments: [".", "-the\nfile"])
  func single(_ path: String) async throws {
    let name = "-the\nfile"
    bench.make(name, "content")
    bench.make("neighbour", "content")
    let text = try String(contentsOfFile: bench.manifest(of: [Array(name.utf8)]), encoding: .utf8)
    try bench.bench.write(
      "single.json", path == "." ? text.replacing(#""path":"-the\nfile""#, with: #""path":".""#) : text)
    let result = await bench.run(
      "cleanup", ["--keep", "0"], treeName: "tree/\(name)", tree: bench.tree + "/" + name,
      manifest: bench.bench.path("single.json"))
    #expect(result.ending == .exited(0))
    #expect(result.text == "")
    #expect(bench.names() == [Array("neighbour".utf8)])
  }

  @Test("a manifest that is broken or names what lies outside removes nothing")
  func broken() async throws {
    bench.make("file", "content")
    let manifest = try String(contentsOfFile: bench.manifest(), encoding: .utf8)
    let hostile = [
      manifest.replacing(#""path":"file""#, with: #""path":"../tree/file""#),
      manifest.replacing(#""path":"file""#, with: #""path":"\u002e\u002e/tree/file""#),
      manifest.replacing(#""path":"file""#, with: #""path":"/file""#),
      manifest.replacing(#""version":1"#, with: #""version":2"#), String(manifest.dropLast(3)), "",
    ]
    for text in hostile {
      let run = RunID.fresh
      try bench.bench.write("hostile.json", text)
      let result = await bench.run("cleanup", ["--keep", "0"], manifest: bench.bench.path("hostile.json"), run: run)
      #expect(result.ending == .exited(1), "\(text)")
      #expect(result.text == "cleanup: not everything of \(run) could be removed\n")
      try FileManager.default.removeItem(atPath: bench.state + "/cleanup/\(run)")
    }
    #expect(bench.names() == [Array("file".utf8)])
  }

  @Test("a failed run is not noted, a dry run changes nothing, arguments are looked at")
  func others() async throws {
    bench.make("file", "content")
    let manifest = try bench.manifest()
    let failed = [EnvironmentVariable("SLIPWAY_STATUS", "failure")]
    #expect(await bench.run("cleanup", ["--keep", "0"], environment: failed, manifest: manifest).ending == .exited(0))
    let dry = [EnvironmentVariable("SLIPWAY_DRY_RUN", "1")]
    let result = await bench.run("cleanup", ["--keep", "0"], environment: dry, manifest: manifest)
    #expect(result.text == "cleanup: dry run, nothing is noted or removed\n")
    #expect(bench.names() == [Array("file".utf8)])
    for arguments in [["--keep"], ["--keep", "1w"], ["--marker", "a/b"], ["--marker", "*"], ["now", "x"]] {
      #expect(await bench.run("cleanup", arguments, manifest: manifest).ending == .exited(64))
    }
  }
}
