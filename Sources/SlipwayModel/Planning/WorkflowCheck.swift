/// Runs the `tests:` of a workflow: what would become of a path, without a file being there.
public struct WorkflowCheck: Sendable {
  private let workflow: Workflow
  private let selection: FileSelection
  private let values: Template.Values

  /// `values` stand for what a run would fix at its start.
  public init(_ workflow: Workflow, selection: FileSelection, values: Template.Values) {
    self.workflow = workflow
    self.selection = selection
    self.values = values
  }

  /// What is wrong with each test that fails, one clause each; the paths lie under the first watched directory.
  public func problems() -> [(test: WorkflowTest, message: String)] {
    workflow.tests.compactMap { test in problem(with: test).map { (test, $0) } }
  }

  private func problem(with test: WorkflowTest) -> String? {
    let actual: PlanItem.Decision = decision(on: test)
    switch (test.expectation, actual) {
    case (.key(let template), .upload(let planned)):
      let expected = ObjectKey(trimmingSlashes(template.evaluated(with: values)))
      return planned.key == expected ? nil : "\(test.path) gets the key '\(planned.key)', not '\(expected)'"
    case (.key, .skip(let reason)): return "\(test.path) is skipped: \(reason.explanation)"
    case (.skip(let name), .skip(let reason)):
      return reason.name == name ? nil : "\(test.path) is skipped for \(reason.name.rawValue), not for \(name.rawValue)"
    case (.skip, .upload(let planned)): return "\(test.path) is taken, with the key '\(planned.key)'"
    case (_, .fail(let failure)): return failure.message
    case (_, .proven), (_, .answer): return "\(test.path) is a marker of an inner tree"
    }
  }

  private func decision(on test: WorkflowTest) -> PlanItem.Decision {
    guard let watch = workflow.watch.first else { return .skip(.filter) }
    let kind: WalkEntry.Kind =
      switch test.expectation {
      case .skip(.link): .link
      case .skip(.special): .special
      default: .file(Fingerprint(device: 0, inode: 0, size: 0, modified: 0, changed: 0))
      }
    let tree = TreeID(workflow: workflow.name, watch: watch.path, name: .here)
    let mapping = KeyMapping(
      watch: watch.path, sourcePrefix: workflow.sourcePrefix,
      targetPrefix: workflow.targetPrefix.evaluated(with: values))
    let planner = Planner(
      tree: tree, workflow: workflow, selection: selection, mapping: mapping,
      destinations: workflow.destinations.map { ($0, []) }, lookUp: { _ throws(Failure) in nil })
    let decision = planner.decide(WalkEntry(path: test.path, kind: kind)).decision
    if case .answer = decision { return .skip(.marker) }
    return decision
  }
}
