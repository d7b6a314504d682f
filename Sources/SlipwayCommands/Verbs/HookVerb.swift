import ArgumentParser
import Engine
import SlipwayModel
import WorkflowFile

struct HookVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hook", abstract: "One hook by hand.",
    discussion: """
      EXAMPLES
        slipway hook run hooks/checksums --tree ./out/a
        slipway hook run hooks/require --tree ./out/a -- build-info.json
      """, subcommands: [HookRunVerb.self])
}

struct HookRunVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs one hook by hand, with the environment that a run would give it.",
    discussion: """
      Nothing is uploaded and no run is recorded. Ends with 0 if the hook did,
      with 75 if it deferred the tree, else 1.

      EXAMPLES
        slipway hook run hooks/checksums --tree ./out/a --timeout 30s
        slipway hook run hooks/require --tree ./out/a -- build-info.json
        slipway hook run hooks/notify --phase post --manifest manifest.json \\
          --tree ./out/a -- https://ci.example/done
        slipway hook run hooks/cleanup --phase post --status failure --tree ./out/a
      """)

  @Argument(help: ArgumentHelp("A path with a slash, or a name that is looked up in PATH.", valueName: "hook"))
  var hook: String

  @Argument(help: "The hook's own arguments.")
  var arguments: [String] = []

  @Option(help: ArgumentHelp("The tree: a directory.", valueName: "dir"))
  var tree: String

  @Option(help: "pre or post.")
  var phase = Hook.Phase.pre

  @Option(help: ArgumentHelp("SLIPWAY_WORKFLOW.", valueName: "name"))
  var workflow = "by-hand"

  @Option(help: "SLIPWAY_STATUS of a post hook: success or failure.")
  var status = Run.Outcome.success

  @Option(help: ArgumentHelp("A manifest to give it; default: one without objects.", valueName: "path"))
  var manifest: String?

  @Option(help: ArgumentHelp("Its time limit, with a unit.", valueName: "duration"))
  var timeout = "10m"

  @Option(help: ArgumentHelp("Where its SLIPWAY_STATE lies; default: a temporary directory.", valueName: "dir"))
  var stateDir: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !WorkflowName.isValid(workflow) { throw ValidationError("--workflow '\(workflow)' is not a name.") }
    if (DurationText.parsed(timeout) ?? .zero) <= .zero {
      throw ValidationError("--timeout takes a duration above zero with a unit, as in 30s or 10m.")
    }
  }

  func run() async throws {
    let ending: HookResult.Ending
    do throws(Failure) {
      ending = try await runHook()
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.failure
    }
    if ending == .exited(0) { return }
    StandardError.shared.write("slipway: the hook \(hook) \(ending.words)")
    throw ending == .exited(75) ? Exit.tryAgain : Exit.failure
  }

  private func runHook() async throws(Failure) -> HookResult.Ending {
    let place = try ScratchState(at: stateDir.map { BytePath(absolutizing: $0) })
    defer { place.remove() }
    let ports = Assembly.handPorts(state: place.path)
    let path = BytePath(absolutizing: tree)
    let now = ports.clock.now()
    var run = Run(
      id: RunID(at: now, entropy: (.random(in: .min ... .max), .random(in: .min ... .max))),
      tree: TreeID(workflow: WorkflowName(workflow), watch: path.parent, name: path.name), marker: nil, created: now)
    run.outcome = phase == .post ? status : nil
    run.attempt = 1
    let paths = try ports.runFiles.open(run.id, workflow: run.tree.workflow)
    defer { try? ports.runFiles.remove(run.id) }  // What is left lies in a directory of this run alone.
    if manifest == nil { try EmptyManifest(run: run, destinations: []).write(to: ports.runFiles) }
    let manifest = manifest.map { BytePath(absolutizing: $0) } ?? paths.manifest
    let variables = HookEnvironment(own: ports.environment).variables(
      for: definition, phase: phase, run: run, attempt: 1, paths: paths, isDryRun: false)
    let result = await ports.hooks.run(
      HookInvocation(
        command: definition.command, environment: variables, directory: path, manifest: manifest,
        timeout: timeLimit, grace: .seconds(5), run: run.id)
    ) { line in print(escaped(line)) }
    try printOutput(of: run, ports)
    return result.ending
  }

  private var definition: Hook {
    let program = hook.utf8.contains(UInt8(ascii: "/")) ? BytePath(absolutizing: hook) : BytePath(hook)
    return Hook(
      command: .program(program, arguments: arguments),
      location: SourceLocation(file: "command line", line: 1, column: 1), timeout: timeLimit)
  }

  /// What `validate` has found to be one.
  private var timeLimit: Duration { DurationText.parsed(timeout) ?? .zero }

  private func printOutput(of run: Run, _ ports: EnginePorts) throws(Failure) {
    let written = try ports.runFiles.output(of: run.id, limit: HookOutput.limit)
    for line in written.split(separator: 0x0A) { print("SLIPWAY_OUTPUT: \(escaped(line))") }
  }
}

extension Hook.Phase: ExpressibleByArgument {}
extension Run.Outcome: ExpressibleByArgument {}
