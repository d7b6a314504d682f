import ArgumentParser
import Engine
import Glibc
import SlipwayModel
import WorkflowFile

struct ExplainVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "What becomes of a path, and which line of the file decides; or why nothing does.",
    discussion: """
      The path need not exist. Ends with 0 if some workflow takes it, with 1 if
      none does.

      EXAMPLES
        slipway explain /srv/ci/out/a/x.tar.gz
        slipway explain ./out/a/.git/config --json
      """)

  @Argument(help: "A file or directory in or below a watched directory.")
  var path: String

  @Flag(help: "One JSON object a workflow.")
  var json = false

  @OptionGroup var file: FileOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let assembly = try Assembly.reading(file, output: output, log: .text)
    let target = BytePath(absolutizing: path)
    var isTaken = false
    do throws(Failure) {
      let explanations = try Explanation.all(of: target, assembly)
      for explanation in explanations {
        isTaken = isTaken || explanation.isTaken
        print(json ? explanation.json : explanation.text)
      }
      if explanations.isEmpty, !json { print("\(target)\n  lies under no watched directory") }
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    if !isTaken { throw Exit.failure }
  }
}

/// What one workflow makes of a path.
struct Explanation {
  let path: BytePath
  let workflow: Workflow
  let tree: TreeID
  /// The marker that makes it a tree now; nil if none lies there.
  let marker: BytePath?
  /// nil for a directory, of which only the files in it are decided on.
  let decision: PlanItem.Decision?
  let destinations: [Destination]
  /// Without a destination's prefix; nil where none is uploaded.
  let manifest: ObjectKey?

  var isTaken: Bool {
    switch decision {
    case .upload, nil: true
    default: false
    }
  }

  static func all(of path: BytePath, _ assembly: Assembly) throws(Failure) -> [Explanation] {
    let ports = assembly.localPorts()
    var explanations: [Explanation] = []
    for workflow in assembly.configuration.workflows {
      let kind = try kind(of: path, workflow, ports.files)
      for watch in workflow.watch where path.isWithin(watch.path) {
        // The directory that may be marked, or the file that is a tree of its own.
        let place = kind == nil || workflow.intake.markerName == nil ? path : path.parent
        guard place.isWithin(watch.path) else { continue }
        let (tree, marker) = try self.tree(around: place, workflow, watch.path, ports.files)
        let planning = try PlanPreview(workflow, of: assembly.configuration, ports: ports)
        guard let below = path.relative(to: tree.path) else { continue }
        explanations.append(
          Explanation(
            path: path, workflow: workflow, tree: tree, marker: marker,
            decision: kind.map { planning.decide(WalkEntry(path: below, kind: $0), in: tree).decision },
            destinations: planning.destinations, manifest: planning.manifestKey(of: tree)))
      }
    }
    return explanations
  }

  /// The innermost directory, from `place` upwards, that is marked, or else `place` itself.
  private static func tree(
    around place: BytePath, _ workflow: Workflow, _ watch: BytePath, _ files: any TreeFiles
  ) throws(Failure) -> (TreeID, BytePath?) {
    if workflow.intake.mirrorRule != nil { return (TreeID(workflow: workflow.name, watch: watch, name: .here), nil) }
    guard let name = workflow.intake.markerName else {
      var tree = place
      // The entry of the watched directory in which it lies.
      if case .settled = workflow.intake { while tree != watch, tree.parent != watch { tree = tree.parent } }
      return (TreeID(workflow: workflow.name, watch: watch, name: tree.relative(to: watch) ?? .here), nil)
    }
    var directory = place
    while directory.isWithin(watch) {
      let marker = directory.appending(name)
      if try files.marker(at: marker) != nil {
        return (TreeID(workflow: workflow.name, watch: watch, name: directory.relative(to: watch) ?? .here), marker)
      }
      if directory == watch { break }
      directory = directory.parent
    }
    return (TreeID(workflow: workflow.name, watch: watch, name: place.relative(to: watch) ?? .here), nil)
  }

  /// As the workflow sees it; nil for a directory.
  private static func kind(
    of path: BytePath, _ workflow: Workflow, _ files: any TreeFiles
  ) throws(Failure) -> WalkEntry.Kind? {
    let kind = kind(of: path)
    guard kind == .link, workflow.symlinks == .follow,
      let watch = workflow.watch.first(where: { path.isWithin($0.path) }),
      let below = path.relative(to: watch.path)
    else { return kind }
    return try files.with(.follow).fingerprint(below, in: watch.path).map { .file($0) } ?? .link
  }

  /// As it lies there; nil for a directory.
  private static func kind(of path: BytePath) -> WalkEntry.Kind? {
    var status = stat()
    let result = (path.bytes + [0]).withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { lstat($0, &status) } ?? -1 }
    }
    let file = WalkEntry.Kind.file(
      Fingerprint(device: 0, inode: 0, size: Int64(status.st_size), modified: 0, changed: 0))
    guard result == 0 else { return file }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return file
    case S_IFDIR: return nil
    case S_IFLNK: return .link
    default: return .special
    }
  }

  var text: String {
    var lines = ["\(path)", "  workflow  \(workflow.name) (\(workflow.location)), watching \(tree.watch)"]
    switch workflow.intake {
    case .marker(let name):
      let state = marker.map { "marked by \($0)" } ?? "not ready: there is no \(name) in it"
      lines.append("  tree      \(tree.name) (\(state))")
    case .settled(let time):
      lines.append("  tree      \(tree.name) (once nothing has changed in it for \(DurationText.written(time)))")
    case .queue(let working, _):
      if decision != nil { lines.append("  tree      \(tree.name) (the file itself, worked on in \(working))") }
    case .mirror(let rule):
      let limit = rule.deleteLimit.map { ", at most \($0) a run" } ?? ""
      let gone = rule.deletes ? "deleted" + limit : "kept"
      lines.append("  tree      . (a mirror of the watched directory; objects whose files are gone are \(gone))")
    case .closed:
      if decision != nil { lines.append("  tree      \(tree.name) (the file itself, once it is closed after writing)") }
    }
    lines += outcome
    guard isTaken else { return lines.joined(separator: "\n") }
    if let manifest {
      lines += destinations.map { "  manifest  \($0.name): \(joinedKey($0.prefix, manifest.bytes))" }
    }
    lines += workflow.hooks.pre.map { "  pre hook  \($0.title) (\($0.location))" }
    lines += workflow.hooks.post.map { "  post hook \($0.title), on \($0.condition.rawValue) (\($0.location))" }
    lines.append("  after     success: \(workflow.after.success.words); failure: \(workflow.after.failure.words)")
    return lines.joined(separator: "\n")
  }

  private var outcome: [String] {
    switch decision {
    case nil: return ["  directory name a file in it to see what becomes of it"]
    case .upload(let planned), .proven(let planned):
      let rule = planned.rule.map { "filter '\($0.pattern)' (\($0.location))" } ?? "there is no filter"
      return ["  taken     \(rule)"]
        + destinations.map { "  key       \($0.name): \(joinedKey($0.prefix, planned.key.bytes))" }
        + planned.tags.written.map { "  tag       \($0)" }
    case .skip(let reason): return ["  skipped   \(reason.explanation)"]
    case .answer(let inner, _): return ["  skipped   the marker of the tree \(inner)"]
    case .fail(let failure): return ["  error     \(failure.message)"]
    }
  }

  var json: String {
    var words: KeyValuePairs<String, [UInt8]> = [:]
    switch decision {
    case nil: words = ["directory": JSONText.bool(true)]
    case .upload(let planned), .proven(let planned):
      words = [
        "filter": planned.rule.map { JSONText.string("\($0.location)") } ?? JSONText.null,
        "keys": places(of: planned.key), "tags": object(planned.tags),
        "manifest": manifest.map(places) ?? JSONText.null,
      ]
    case .skip(let reason):
      words = ["skip": JSONText.string(reason.name.rawValue), "why": JSONText.string(reason.explanation)]
    case .answer: words = ["skip": JSONText.string("marker"), "why": JSONText.string("the marker of an inner tree")]
    case .fail(let failure): words = ["error": JSONText.string(failure.message)]
    }
    let text = JSONText.object([
      "path": JSONText.string(path.bytes), "workflow": JSONText.string(workflow.name.text),
      "tree": JSONText.string(tree.path.bytes), "marked": JSONText.bool(marker != nil),
      "taken": JSONText.bool(isTaken), "decision": JSONText.object(words),
    ])
    return String(decoding: text, as: UTF8.self)
  }
}

extension Explanation {
  private func object(_ texts: [String: String]) -> [UInt8] {
    let members = texts.sorted { $0.key < $1.key }.map {
      JSONText.string($0.key) + [UInt8(ascii: ":")] + JSONText.string($0.value)
    }
    return Array("{".utf8) + Array(members.joined(separator: [UInt8(ascii: ",")])) + Array("}".utf8)
  }

  private func places(of key: ObjectKey) -> [UInt8] {
    JSONText.array(
      destinations.map {
        JSONText.object([
          "destination": JSONText.string($0.name.text),
          "key": JSONText.string(joinedKey($0.prefix, key.bytes).bytes),
        ])
      })
  }
}

extension After.Disposal {
  /// As the file says it.
  var words: String {
    switch self {
    case .keep: "keep"
    case .delete: "delete"
    case .move(let directory): "move to \(directory)"
    case .resubmit: "resubmit"
    }
  }
}
