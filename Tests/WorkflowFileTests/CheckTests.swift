import Foundation
import SlipwayModel
import Testing
import WorkflowFile

@Suite("Problems with what lies around a workflow")
struct CheckTests {
  private let bundle = Bundle()

  private func heads(_ lines: String, watch: String = "in") -> [String] {
    bundle.heads(bundle.load(workflow(lines, watch: watch)))
  }

  @Test("A watched directory exists, is a directory and can be read")
  func watch() throws {
    try bundle.write("file")
    let name = String(repeating: "n", count: 300)
    #expect(
      heads(rest, watch: "[none, file, file/x, \(name)]") == [
        "workflows.yaml:5:13: error: the watched directory '$D/none' does not exist",
        "workflows.yaml:5:19: error: '$D/file' is not a directory",
        "workflows.yaml:5:25: error: the watched directory '$D/file/x' cannot be read: Not a directory",
        "workflows.yaml:5:33: error: the watched directory '$D/\(name)' cannot be read: File name too long",
      ])
    #expect(
      heads(rest, watch: "[]") == ["workflows.yaml:5:12: error: expected at least one directory, found an empty list"])
  }

  @Test("What links lead to is kept or moved, never deleted")
  func links() throws {
    try bundle.makeDirectory("in")
    let place = "workflows.yaml:6:5: error: "
    #expect(heads("symlinks: follow\n" + rest) == [])
    #expect(heads("symlinks: skip\nafter: delete\n" + rest) == [])
    #expect(
      heads("symlinks: follow\nready: closed\ndestinations: [out]") == [
        place + "no event tells when what a link leads to changes: 'symlinks: follow' needs 'ready: { marker: … }'"
      ])
    for after in ["delete", "{ failure: delete }"] {
      #expect(
        heads("symlinks: follow\nafter: \(after)\n" + rest) == [
          place + "what links lead to is never deleted: with 'symlinks: follow' 'after' may keep or move the tree"
        ])
    }
  }

  @Test("Where each file is a tree, a pre hook needs a filter, and a manifest makes no sense")
  func fileTrees() throws {
    try bundle.makeDirectory("in")
    let lines = "ready: closed\ndestinations: [out]\n"
    #expect(heads(lines + "hooks: { post: [true] }") == [])
    #expect(heads(lines + "hooks: { pre: [true] }\nfilter: x") == [])
    #expect(
      heads(lines + "hooks: { pre: [true] }") == [
        "workflows.yaml:8:20: warning: what a pre hook writes beside its file is another tree with 'ready: closed', and "
          + "has the hook run again; keep it out with 'filter'"
      ])
    #expect(
      heads(lines + "commit: manifest") == [
        "workflows.yaml:8:13: error: 'commit: manifest' is for trees of many files; with 'ready: closed' each file is a "
          + "tree, and arrives whole"
      ])
  }

  private func two(_ first: String, _ second: String, _ more: String = "") -> [String] {
    bundle.heads(
      bundle.load(
        """
        version: 1
        destinations: { out: { type: directory, path: delivered } }
        workflows:
          a: { watch: \(first), ready: { marker: m }, destinations: [out]\(more) }
          b: { watch: \(second), ready: { marker: m }, destinations: [out] }
        """))
  }

  @Test("Watched directories overlap only where both workflows keep their files")
  func overlap() throws {
    for name in ["in/deep", "inner"] { try bundle.makeDirectory(name) }
    #expect(two("in", "inner", ", after: delete") == [])
    #expect(two("in", "in/deep") == [])
    #expect(
      two("in", "in/deep", ", after: delete") == [
        "workflows.yaml:5:15: error: the watched directory '$D/in/deep' lies in '$D/in' of workflow 'a'; only workflows with "
          + "after: keep may overlap"
      ])
    #expect(
      two("in/deep", "in", ", after: { failure: delete }") == [
        "workflows.yaml:5:15: error: the watched directory '$D/in' contains '$D/in/deep' of workflow 'a'; only workflows with "
          + "after: keep may overlap"
      ])
    #expect(
      two("in", "./in/", ", after: { move: done }") == [
        "workflows.yaml:5:15: error: the watched directory '$D/in' is '$D/in' of workflow 'a'; only workflows with after: keep "
          + "may overlap"
      ])
    #expect(
      two("[in, in/deep]", "inner", ", after: delete") == [
        "workflows.yaml:4:20: error: the watched directory '$D/in/deep' lies in '$D/in' of the same workflow; only workflows "
          + "with after: keep may overlap"
      ])
    #expect(two("[in, in]", "inner") == ["workflows.yaml:4:20: error: '$D/in' is watched twice"])
  }

  @Test("A symbolic link does not hide an overlap, nor does a missing directory below one")
  func overlapThroughLink() throws {
    try bundle.makeDirectory("in/deep")
    #expect(symlink(bundle.path("in"), bundle.path("link")) == 0)
    #expect(
      two("in", "link", ", after: delete") == [
        "workflows.yaml:5:15: error: the watched directory '$D/link' is '$D/in' of workflow 'a'; only workflows with after: "
          + "keep may overlap"
      ])
    #expect(
      two("in/deep", "link", ", after: { move: link/done/x }") == [
        "workflows.yaml:4:82: error: '$D/link/done/x' lies in the watched directory '$D/link'; move to a directory outside",
        "workflows.yaml:5:15: error: the watched directory '$D/link' contains '$D/in/deep' of workflow 'a'; only workflows "
          + "with after: keep may overlap",
      ])
  }

  @Test("A destination is known, named once, and does not write into the workflow's own watch")
  func destinations() throws {
    try bundle.makeDirectory("in")
    #expect(
      heads("ready: { marker: m }\ndestinations: [out, outt, out, far]") == [
        "workflows.yaml:7:25: error: unknown destination 'outt'; did you mean 'out'?",
        "workflows.yaml:7:31: error: the destination 'out' is listed twice",
        "workflows.yaml:7:36: error: unknown destination 'far'",
      ])
    try bundle.makeDirectory(".")
    #expect(
      heads(rest, watch: ".") == [
        "workflows.yaml:7:20: error: the destination 'out' writes to '$D/delivered' in the watched directory '$D'"
      ])
    #expect(symlink(bundle.path("in"), bundle.path("delivered")) == 0)
    #expect(
      heads(rest) == [
        "workflows.yaml:7:20: error: the destination 'out' writes to '$D/delivered' in the watched directory '$D/in'"
      ])
  }

  @Test("A tree may be delivered to where another workflow watches")
  func chain() throws {
    for name in ["in", "delivered"] { try bundle.makeDirectory(name) }
    let result = bundle.load(
      """
      version: 1
      destinations: { out: { type: directory, path: delivered }, end: { type: directory, path: end } }
      workflows:
        a: { watch: in, ready: { marker: m }, destinations: [out], after: delete }
        b: { watch: delivered, ready: { marker: m }, destinations: [end], after: delete }
      """)
    #expect(bundle.told(result) == [])
  }

  @Test("A directory to move to lies on the file system of the watched directory, and exists later if not now")
  func otherFileSystem() throws {
    try bundle.makeDirectory("in")
    #expect(heads(rest + "\nafter: { success: { move: later/done }, failure: { move: failed } }") == [])
    #expect(
      heads(rest + "\nafter: { failure: { move: /proc/done } }") == [
        "workflows.yaml:8:31: error: '/proc/done' is on another file system than the watched directory '$D/in'; a tree is "
          + "moved by renaming it"
      ])
  }

  @Test("Nothing is deleted or moved on the word of a destination that proves nothing")
  func proof() throws {
    try bundle.makeDirectory("in")
    func heads(_ s3: String, _ after: String) -> [String] {
      let text = workflow(rest + "\nafter: \(after)")
      let type = "{ type: s3, bucket: abc, \(s3) }"
      return bundle.heads(
        bundle.load(text.replacingOccurrences(of: "{ type: directory, path: delivered }", with: type)))
    }
    let told = [
      "workflows.yaml:8:12: error: the destination 'out' proves nothing (checksum: none without verify_etag: true), so "
        + "'after' may only keep the files"
    ]
    #expect(heads("checksum: none", "delete") == told)
    #expect(heads("checksum: none, verify_etag: false", "{ success: { move: done } }") == told)
    #expect(heads("checksum: none, verify_etag: true", "delete") == [])
    #expect(heads("checksum: none", "keep") == [])
    #expect(heads("checksum: none", "{ failure: delete }") == [])
    for checksum in S3Destination.Checksum.allCases where checksum != .none {
      #expect(heads("checksum: \(checksum.rawValue)", "delete") == [])
    }
  }

  @Test("A source prefix that strips nothing is a warning for each directory, and the configuration is there")
  func sourcePrefix() throws {
    for name in ["in", "inner"] { try bundle.makeDirectory(name) }
    let result = bundle.load(workflow(rest + "\nsource_prefix: in", watch: "[in, inner]"))
    #expect(
      bundle.told(result) == [
        """
        workflows.yaml:8:20: warning: the watched directory '$D/inner' does not lie under source_prefix '$D/in', which strips \
        nothing from its paths
            source_prefix: in
                           ^
        """
      ])
    #expect(result.problems.map(\.severity) == [.warning])
    #expect(result.configuration?.workflows.first?.sourcePrefix == bundle.directory.appending("in"))
  }

  @Test("A hook is a regular file that can be executed, or a name in PATH")
  func hooks() throws {
    try bundle.makeDirectory("in")
    try bundle.makeDirectory("hooks/dir")
    try bundle.write("hooks/plain", mode: 0o644)
    try bundle.write("bin/plain", mode: 0o644)
    bundle.environment["PATH"] = bundle.path("bin")
    #expect(
      heads(
        rest
          + "\nhooks:\n  pre: [hooks/none, hooks/dir]\n  post:\n    - hooks/plain\n    - hooks/plain/x\n    - plain\n    - run: [./hooks/none, a]"
      ) == [
        "workflows.yaml:9:13: error: the hook '$D/hooks/none' does not exist",
        "workflows.yaml:9:25: error: the hook '$D/hooks/dir' is not a regular file",
        "workflows.yaml:11:11: error: the hook '$D/hooks/plain' is not executable; chmod +x it",
        "workflows.yaml:12:11: error: the hook '$D/hooks/plain/x' cannot be read: Not a directory",
        "workflows.yaml:13:11: error: the hook 'plain' is not in PATH or cannot be executed",
        "workflows.yaml:14:17: error: the hook '$D/hooks/none' does not exist",
      ])
  }

  @Test("More watched directories than are compared are refused")
  func tooManyDirectories() throws {
    for number in 0...1_000 { try bundle.makeDirectory("in/\(number)") }
    let list = (0...1_000).map { "in/\($0)" }.joined(separator: ", ")
    #expect(heads(rest, watch: "[\(list)]").map { $0.suffix(42) } == [" error: more than 1000 watched directories"])
  }
}

@Suite("Files that others may write")
struct WriterTests {
  private let bundle = Bundle()
  private let hook = rest + "\nhooks: { pre: [hooks/h] }"

  private func heads() throws -> [String] {
    try bundle.makeDirectory("in")
    return bundle.heads(bundle.load(workflow(hook)))
  }

  @Test("A hook that others may write is refused; trusted, it is a warning")
  func others() throws {
    try bundle.write("hooks/h", mode: 0o757)
    let message = "'$D/hooks/h' can be written by others (mode 0757); chmod o-w it"
    #expect(try heads() == ["workflows.yaml:8:20: error: \(message)"])
    bundle.trustPermissions = true
    #expect(try heads() == ["workflows.yaml:8:20: warning: \(message)"])
    #expect(bundle.load(workflow(hook)).configuration != nil)
  }

  @Test("A hook in a directory that others may write is refused, unless that is sticky")
  func directory() throws {
    try bundle.write("hooks/h", mode: 0o755)
    try bundle.makeDirectory("hooks", mode: 0o777)
    #expect(
      try heads() == [
        "workflows.yaml:8:20: error: '$D/hooks/h' lies in '$D/hooks', which can be written by others (mode 0777); chmod o-w it"
      ])
    try bundle.makeDirectory("hooks", mode: 0o1777)
    #expect(try heads() == [])
  }

  @Test("Behind a link the file and its directory count, too")
  func link() throws {
    try bundle.write("real/h", mode: 0o755)
    try bundle.makeDirectory("real", mode: 0o777)
    try bundle.makeDirectory("hooks")
    #expect(symlink("../real/h", bundle.path("hooks/h")) == 0)
    #expect(
      try heads() == [
        "workflows.yaml:8:20: error: '$D/hooks/h' lies in '$D/real', which can be written by others (mode 0777); chmod o-w it"
      ])
  }

  @Test("The owner's own group may write, another one may not")
  func group() throws {
    try bundle.write("hooks/h", mode: 0o775)
    #expect(try heads() == [])
    // Only root can give a file to a group that it is not in.
    guard geteuid() == 0 else { return }
    #expect(chown(bundle.path("hooks/h"), 0, 4242) == 0)
    #expect(chmod(bundle.path("hooks/h"), 0o775) == 0)
    #expect(
      try heads() == [
        "workflows.yaml:8:20: error: '$D/hooks/h' can be written by group 4242, which is not its owner's own (mode 0775); "
          + "chmod g-w it"
      ])
    #expect(chown(bundle.path("hooks/h"), 4242, 4242) == 0)
    #expect(try heads() == [])
  }

  @Test("The configuration itself is held to the same")
  func configuration() throws {
    try bundle.makeDirectory("in")
    try bundle.write("etc/w.yaml", workflow(rest, watch: "../in"), mode: 0o666)
    let message = "'$D/etc/w.yaml' can be written by others (mode 0666); chmod o-w it"
    let file = BytePath("etc/w.yaml")
    #expect(bundle.told(bundle.loader.load([file])) == ["etc/w.yaml:1:1: error: \(message)\nversion: 1\n^"])
    bundle.trustPermissions = true
    #expect(bundle.heads(bundle.loader.load([file])) == ["etc/w.yaml:1:1: warning: \(message)"])
    #expect(bundle.loader.load([file]).configuration != nil)
  }
}
