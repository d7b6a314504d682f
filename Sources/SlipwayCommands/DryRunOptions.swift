import ArgumentParser
import SlipwayModel

/// Of `run`, whose file may say `dry_run` itself.
struct DryRunOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Print what --once would do; send nothing, write nothing.",
      discussion: "With --no-dry-run a workflow's own 'dry_run: true' does not count."))
  var dryRun: Bool?

  @Option(
    help: ArgumentHelp(
      "With --dry-run: tell this share of the uploads as failed, at random.",
      discussion: "Hooks with 'dry_run: true' and 'when: failure' run then, and the exit code is 1.",
      valueName: "0…1"))
  var failRate: Double?

  func validate() throws {
    guard let failRate else { return }
    if dryRun != true { throw ValidationError("--fail-rate goes with --dry-run.") }
    if !(0...1).contains(failRate) { throw ValidationError("--fail-rate is a number from 0 to 1.") }
  }

  func applied(to assembly: Assembly) -> Assembly { dryRun == false ? assembly.withoutDryRuns() : assembly }

  func printer(_ assembly: Assembly, only: Set<WorkflowName>?) -> DryRunPrinter {
    DryRunPrinter(assembly: assembly, only: only, failRate: failRate ?? 0)
  }
}
