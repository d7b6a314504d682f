import Foundation
import SlipwayModel
import Testing
import WorkflowFile

@Suite("Several files, and files that cannot be read")
struct FilesTests {
  private let bundle = Bundle()

  @Test("Later files win key by key: mappings are merged, lists and text replaced")
  func merging() throws {
    for name in ["in", "b"] { try bundle.makeDirectory(name) }
    let result = bundle.load(
      merging: """
        version: 1
        settings: { transfers: 3, trees: 4 }
        destinations: { out: { type: directory, path: x, prefix: p } }
        workflows:
          w: { watch: [in, b], ready: { marker: .ready }, destinations: [out], filter: [a, b], after: { success: delete } }
        """,
      """
      settings: { trees: 5 }
      destinations: { out: { path: y }, more: { type: directory, path: z } }
      workflows:
        w: { watch: b, filter: c, after: keep, destinations: [more, out] }
        v: { watch: in, ready: { marker: GO }, destinations: [more] }
      """,
      "workflows: { v: { ready: { marker: GOO } } }")
    #expect(bundle.told(result) == [])
    let configuration = try #require(result.configuration)
    #expect((configuration.settings.transfers, configuration.settings.trees) == (3, 5))
    #expect(configuration.destinations.count == 2)
    let out = try #require(configuration.destinations[DestinationName("out")])
    #expect(out.kind == .directory(bundle.directory.appending("y")))
    #expect(out.prefix == Array("p".utf8))
    #expect(out.location == SlipwayModel.SourceLocation(file: "2.yaml", line: 2, column: 17))
    #expect(configuration.workflows.map(\.name.text) == ["w", "v"])
    let first = try #require(configuration.workflows.first)
    #expect(first.watch.map(\.path) == [bundle.directory.appending("b")])
    #expect(first.filter.map(\.pattern) == ["c"])
    #expect(first.after == After())
    #expect(first.destinations.map(\.text) == ["more", "out"])
    #expect(configuration.workflows.last?.intake == .marker(BytePath("GOO")))
  }

  @Test("Each problem is told at the file it stands in, in the order of the files")
  func ownFile() throws {
    let result = bundle.load(
      merging: "version: 1\nx: 1\nworkflows:\n  w: { watch: none, ready: { marker: m }, destinations: [a] }",
      "version: 2\nworkflows: { w: { ready: { marker: a/b }, y: 1 } }")
    #expect(
      bundle.heads(result) == [
        "1.yaml:2:1: error: unknown key 'x'; there are version, settings, destinations and workflows",
        "1.yaml:4:15: error: the watched directory '$D/none' does not exist",
        "1.yaml:4:58: error: unknown destination 'a'",
        "2.yaml:1:10: error: this Slipway reads version 1, found '2'",
        "2.yaml:2:36: error: a marker is the name of a file, without a directory, found 'a/b'",
        "2.yaml:2:43: error: unknown key 'y'; there are watch, ready, queue, mirror, filter, exclude, source_prefix, "
          + "target_prefix, destinations, hooks, after, retry, commit, symlinks, stop, started, sidecar, tree_settings, "
          + "dry_run and tests",
      ])
  }

  @Test("Relative paths are relative to the file that they stand in")
  func relativePaths() throws {
    for name in ["one/in", "two/in"] { try bundle.makeDirectory(name) }
    try bundle.write(
      "one/a.yaml",
      "version: 1\ndestinations: { out: { type: directory, path: d } }\nworkflows:\n  w: { watch: in, ready: { marker: m }, destinations: [out] }"
    )
    try bundle.write("two/b.yaml", "workflows: { w: { watch: in, started: s } }")
    let result = bundle.loader.load([BytePath("one/a.yaml"), bundle.directory.appending("two/b.yaml")])
    #expect(bundle.told(result) == [])
    #expect(result.configuration?.workflows.first?.watch.map(\.path) == [bundle.directory.appending("two/in")])
    #expect(result.configuration?.workflows.first?.started == bundle.directory.appending("two/s"))
    #expect(
      result.configuration?.destinations[DestinationName("out")]?.kind
        == .directory(bundle.directory.appending("one/d")))
  }

  @Test("A file that cannot be read is told with the reason, and of the others only what stands in them alone")
  func unreadable() throws {
    try bundle.makeDirectory("dir")
    #expect(mkfifo(bundle.path("fifo"), 0o600) == 0)
    try bundle.write("bad.yaml", "a: [")
    try bundle.write("half.yaml", "version: 1")
    let files = ["none.yaml", "dir", "fifo", "bad.yaml", "half.yaml"].map { BytePath($0) }
    let result = bundle.loader.load(files)
    #expect(result.configuration == nil)
    #expect(
      bundle.told(result) == [
        "none.yaml:1:1: error: the file cannot be read: No such file or directory",
        "dir:1:1: error: the file is not a regular file", "fifo:1:1: error: the file is not a regular file",
        "bad.yaml:2:1: error: this is not YAML: did not find expected node content (while parsing a flow node)",
      ])
  }

  @Test("A file of exactly 1 MiB is read")
  func largest() throws {
    try bundle.makeDirectory("in")
    let text = workflow(rest) + "\n#"
    try bundle.write("w.yaml", text + String(repeating: "x", count: 1_048_576 - text.utf8.count))
    #expect(bundle.told(bundle.loader.load([BytePath("w.yaml")])) == [])
    try bundle.write("w.yaml", text + String(repeating: "x", count: 1_048_577 - text.utf8.count))
    #expect(
      bundle.told(bundle.loader.load([BytePath("w.yaml")])) == [
        "w.yaml:1:1: error: the file has more than 1048576 bytes"
      ])
  }

  @Test("No descriptor is left open, whatever came of the load")
  func descriptors() throws {
    try bundle.makeDirectory("in")
    try bundle.write("w.yaml", workflow(rest))
    func inode(_ descriptor: Int32) -> ino_t? {
      var status = stat()
      return fstat(descriptor, &status) == 0 ? status.st_ino : nil
    }
    let file = open(bundle.path("w.yaml"), O_RDONLY)
    let own = try #require(inode(file))
    // The counter counts: our own descriptor is seen.
    #expect((0..<1_024).filter { inode($0) == own }.count == 1)
    _ = bundle.loader.load([BytePath("w.yaml")])
    #expect((0..<1_024).filter { inode($0) == own }.count == 1)
    close(file)
  }
}

@Suite("The file that is read when none is named")
struct SearchTests {
  private let bundle = Bundle()

  private func found(_ environment: [String: String]) -> BytePath? {
    WorkflowFileSearch.find(environment: environment, workingDirectory: bundle.directory)
  }

  @Test("The working directory comes first, then the user's, then the machine's")
  func order() {
    #expect(
      WorkflowFileSearch.candidates(environment: ["XDG_CONFIG_HOME": "/x", "HOME": "/h"]).map(\.description)
        == ["./workflows.yaml", "/x/slipway/workflows.yaml", "/etc/slipway/workflows.yaml"])
    #expect(
      WorkflowFileSearch.candidates(environment: ["HOME": "/h"]).map(\.description)
        == ["./workflows.yaml", "/h/.config/slipway/workflows.yaml", "/etc/slipway/workflows.yaml"])
    #expect(
      WorkflowFileSearch.candidates(environment: ["XDG_CONFIG_HOME": "", "HOME": "/h"]).map(\.description)
        == ["./workflows.yaml", "/h/.config/slipway/workflows.yaml", "/etc/slipway/workflows.yaml"])
    #expect(
      WorkflowFileSearch.candidates(environment: ["XDG_CONFIG_HOME": "rel"]).map(\.description)
        == ["./workflows.yaml", "/etc/slipway/workflows.yaml"])
  }

  @Test("The first that lies there is found")
  func find() throws {
    let home = bundle.path("home")
    try bundle.write("home/.config/slipway/workflows.yaml", "a: 1")
    #expect(found(["HOME": home]) == bundle.directory.appending("home/.config/slipway/workflows.yaml"))
    try bundle.write("workflows.yaml", "a: 1")
    #expect(found(["HOME": home]) == BytePath("./workflows.yaml"))
  }
}
