import ArgumentParser
import Engine
import SlipwayModel

/// Prints what a run would do, a line a thing, as it is planned.
struct DryRunPrinter {
  let assembly: Assembly
  let only: Set<WorkflowName>?
  /// The share of uploads that are told as failed.
  var failRate = 0.0

  func run() async throws {
    var isClean = false
    do throws(Failure) {
      let looking = hasMirror ? try await assembly.openForLooking() : nil
      defer { looking?.close() }
      let ports = if let looking { looking.ports } else { try await assembly.openForReading() }
      let failRate = failRate
      let dryRun = try DryRun(
        assembly.configuration, only: only, ports: ports, logger: assembly.logger,
        fails: { Double.random(in: 0..<1) < failRate })
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
    if case .tree = line { return line.words }
    return line.words.map { "  \($0)" }
  }
}
