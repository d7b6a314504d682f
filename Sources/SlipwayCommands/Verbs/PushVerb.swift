import ArgumentParser
import Engine
import SlipwayModel
import StatusServing

struct PushVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push",
    abstract: "Make trees ready now, wait for them, and end by their outcome; a step of a pipeline.",
    discussion: """
      TREE is a path, or a name below a watched directory of the workflow. It
      needs no marker; a marker that lies there is answered. A tree that is in a
      run already is waited for. Without TREE: all that is ready in the workflow,
      all that waits, and what failed earlier and still lies there.

      A process that runs the workflow does it, and is followed; without one this
      one does. Attempts are waited for, but not a hook's new deferral. A
      destination that is out uses up attempts.

      Ends with 1 if a run has failed, else with 75 if one was deferred or left
      unfinished, else with 0.

      EXAMPLES
        slipway push nightly ./out/build-17
        slipway push nightly build-17 build-18     names below the watched directory
        slipway push nightly                       whatever the workflow has to do
      """)

  @Argument(help: ArgumentHelp("A workflow of the file.", valueName: "workflow"))
  var workflow: String

  @Argument(help: ArgumentHelp("A tree of it: a path, or a name below its watched directory.", valueName: "tree"))
  var trees: [String] = []

  @Option(help: "How log lines look: text or json.")
  var log = LogFormat.text

  @OptionGroup var file: FileOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let assembly = try Assembly.reading(file, output: output, log: log)
    _ = try assembly.workflowNames([workflow])
    guard let workflow = assembly.configuration.workflows.first(where: { $0.name.text == workflow }) else { return }
    if workflow.isDryRun {
      StandardError.shared.write("slipway: the workflow '\(workflow.name)' has 'dry_run: true', and sends nothing")
      throw Exit.configuration
    }
    let targets = PushTargets(workflow: workflow)
    let trees = try trees.map { try targets.tree(named: BytePath(ProcessEnvironment.argument($0))) }
    if ControlRequest.push(workflow.name, trees.map(\.path)).body.count > ControlRequest.limit {
      throw ValidationError("these are too many trees for one push: name fewer, or none for the whole workflow.")
    }
    try await Pushing(assembly: assembly, workflow: workflow.name, trees: trees).run()
  }
}
