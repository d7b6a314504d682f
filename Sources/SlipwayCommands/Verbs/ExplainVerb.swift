import ArgumentParser
import Engine
import Glibc
import SlipwayModel

struct ExplainVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "What becomes of a path, and which line of the file decides; or why nothing does.",
    discussion: """
      The path need not exist. Ends with 0 if some workflow takes it, with 1 if none does.

      EXAMPLES
        slipway explain /srv/ci/out/a/x.tar.gz
        slipway explain ./out/a/.git/config --json
      """)

  @Argument(help: "A file in or below a watched directory.")
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
  let item: PlanItem
  let destinations: [Destination]

  var isTaken: Bool {
    if case .upload = item.decision { true } else { false }
  }

  static func all(of path: BytePath, _ assembly: Assembly) throws(Failure) -> [Explanation] {
    let ports = assembly.localPorts()
    var explanations: [Explanation] = []
    for workflow in assembly.configuration.workflows {
      for watch in workflow.watch where path.isWithin(watch.path) && path != watch.path {
        let (tree, marker) = try self.tree(of: path, workflow, watch.path, ports.files)
        let planning = try PlanPreview(workflow, of: assembly.configuration, ports: ports)
        guard let below = path.relative(to: tree.path) else { continue }
        let item = planning.decide(WalkEntry(path: below, kind: kind(of: path)), in: tree)
        explanations.append(
          Explanation(
            path: path, workflow: workflow, tree: tree, marker: marker, item: item,
            destinations: planning.destinations))
      }
    }
    return explanations
  }

  /// The innermost directory around the path that is marked, or else the one in which it lies.
  private static func tree(
    of path: BytePath, _ workflow: Workflow, _ watch: BytePath, _ files: any TreeFiles
  ) throws(Failure) -> (TreeID, BytePath?) {
    guard case .marker(let name) = workflow.intake else {
      return (TreeID(workflow: workflow.name, watch: watch, name: .here), nil)
    }
    var directory = path.parent
    while directory.isWithin(watch) {
      let marker = directory.appending(name)
      if try files.marker(at: marker) != nil {
        return (TreeID(workflow: workflow.name, watch: watch, name: directory.relative(to: watch) ?? .here), marker)
      }
      if directory == watch { break }
      directory = directory.parent
    }
    return (TreeID(workflow: workflow.name, watch: watch, name: path.parent.relative(to: watch) ?? .here), nil)
  }

  private static func kind(of path: BytePath) -> WalkEntry.Kind {
    var status = stat()
    let result = (path.bytes + [0]).withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { lstat($0, &status) } ?? -1 }
    }
    let file = WalkEntry.Kind.file(
      Fingerprint(device: 0, inode: 0, size: Int64(status.st_size), modified: 0, changed: 0))
    guard result == 0 else { return file }
    switch status.st_mode & S_IFMT {
    case S_IFREG, S_IFDIR: return file
    case S_IFLNK: return .link
    default: return .special
    }
  }

  var text: String {
    var lines = ["\(path)", "  workflow  \(workflow.name) (\(workflow.location)), watching \(tree.watch)"]
    if case .marker(let name) = workflow.intake {
      let state = marker.map { "marked by \($0)" } ?? "not ready: there is no \(name) in it"
      lines.append("  tree      \(tree.name) (\(state))")
    }
    lines += outcome
    guard isTaken else { return lines.joined(separator: "\n") }
    lines += workflow.hooks.pre.map { "  pre hook  \($0.title) (\($0.location))" }
    lines += workflow.hooks.post.map { "  post hook \($0.title), on \($0.condition.rawValue) (\($0.location))" }
    lines.append("  after     success: \(workflow.after.success.words); failure: \(workflow.after.failure.words)")
    return lines.joined(separator: "\n")
  }

  private var outcome: [String] {
    switch item.decision {
    case .upload(let planned), .proven(let planned):
      let rule = planned.rule.map { "filter '\($0.pattern)' (\($0.location))" } ?? "there is no filter"
      return ["  taken     \(rule)"]
        + destinations.map { "  key       \($0.name): \(joinedKey($0.prefix, planned.key.bytes))" }
    case .skip(let reason): return ["  skipped   \(reason.explanation)"]
    case .answer(let inner, _): return ["  skipped   the marker of the tree \(inner)"]
    case .fail(let failure): return ["  error     \(failure.message)"]
    }
  }

  var json: String {
    var decision: KeyValuePairs<String, [UInt8]> = [:]
    switch item.decision {
    case .upload(let planned), .proven(let planned):
      let keys = destinations.map {
        JSONText.object([
          "destination": JSONText.string($0.name.text),
          "key": JSONText.string(joinedKey($0.prefix, planned.key.bytes).bytes),
        ])
      }
      decision = [
        "filter": planned.rule.map { JSONText.string("\($0.location)") } ?? JSONText.null, "keys": JSONText.array(keys),
      ]
    case .skip(let reason):
      decision = ["skip": JSONText.string(reason.name.rawValue), "why": JSONText.string(reason.explanation)]
    case .answer: decision = ["skip": JSONText.string("marker"), "why": JSONText.string("the marker of an inner tree")]
    case .fail(let failure): decision = ["error": JSONText.string(failure.message)]
    }
    let text = JSONText.object([
      "path": JSONText.string(path.bytes), "workflow": JSONText.string(workflow.name.text),
      "tree": JSONText.string(tree.path.bytes), "marked": JSONText.bool(marker != nil),
      "taken": JSONText.bool(isTaken), "decision": JSONText.object(decision),
    ])
    return String(decoding: text, as: UTF8.self)
  }
}

extension After.Disposal {
  /// As the file says it.
  var words: String {
    switch self {
    case .keep: "keep"
    case .delete: "delete"
    case .move(let directory): "move to \(directory)"
    }
  }
}
