import ArgumentParser
import Engine
import SlipwayModel

/// Prints what a run would do, a line a thing, as it is planned.
struct DryRunPrinter {
  let assembly: Assembly
  let only: Set<WorkflowName>?

  func run() async throws {
    var isClean = false
    do throws(Failure) {
      let looking = hasMirror ? try await assembly.openForLooking() : nil
      defer { looking?.close() }
      let ports = if let looking { looking.ports } else { try await assembly.openForReading() }
      let dryRun = try DryRun(assembly.configuration, only: only, ports: ports, logger: assembly.logger)
      isClean = try await dryRun.run { line in
        for text in Self.lines(line) { print(text) }
      }
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    if !isClean { throw Exit.failure }
  }

  /// What a mirror would do only its destinations tell.
  private var hasMirror: Bool {
    assembly.configuration.workflows.contains { workflow in
      workflow.intake.mirrorRule != nil && only?.contains(workflow.name) ?? true
    }
  }

  static func lines(_ line: DryRun.Line) -> [String] {
    switch line {
    case .tree(let tree): ["tree \(tree.path) (workflow \(tree.workflow))"]
    case .item(let tree, let item, let destinations):
      Self.lines(item.path == .here ? tree.name : item.path, item, destinations)
    case .manifest(_, let key, let destinations):
      destinations.map { "  upload the manifest -> \($0.name): \(joinedKey($0.prefix, key.bytes))" }
    case .difference(_, let finding): [Self.line(finding)]
    case .problem(_, let failure): ["  error: \(failure.message)"]
    case .hook(_, let phase, let hook, nil): ["  \(phase.rawValue) hook \(hook.title): not run in a dry run"]
    case .hook(_, let phase, let hook, .some(let ending)): ["  \(phase.rawValue) hook \(hook.title): \(ending.words)"]
    }
  }

  static func line(_ finding: MirrorFinding) -> String {
    switch finding {
    case .upload(let path, let key, let destination): "  upload \(path) -> \(destination): \(key)"
    case .replace(let path, let key, let destination): "  differs \(path) -> \(destination): \(key)"
    case .copy(let path, let key, let destination, let source):
      "  copy \(path) -> \(destination): \(key) (from \(source))"
    case .delete(let path, let key, let destination): "  delete \(path) at \(destination): \(key)"
    case .skip(let path, let reason): "  skip \(path): \(reason.explanation)"
    case .problem(let failure): "  error: \(failure.message)"
    }
  }

  /// `path` is relative to the tree; of a tree that is one file, to the watched directory.
  private static func lines(_ path: BytePath, _ item: PlanItem, _ destinations: [Destination]) -> [String] {
    switch item.decision {
    case .upload(let planned), .proven(let planned):
      destinations.filter { planned.destinations.contains($0.name) }.map { destination in
        "  upload \(path) -> \(destination.name): \(joinedKey(destination.prefix, planned.key.bytes))"
          + (planned.rule.map { " (filter '\($0.pattern)', \($0.location))" } ?? "")
      }
    case .skip(let reason): ["  skip \(path): \(reason.explanation)"]
    case .answer(let inner, _): ["  skip \(path): the marker of the inner tree \(inner), taken with this one"]
    case .fail(let failure): ["  error: \(failure.message)"]
    }
  }
}

extension HookResult.Ending {
  /// For people.
  var words: String {
    switch self {
    case .exited(let code): "ended with \(code)"
    case .signalled(let signal): "ended by signal \(signal)"
    case .timedOut: "ended by its time limit"
    case .cancelled: "stopped"
    case .couldNotStart(let reason): "not started: \(reason)"
    }
  }
}
