import SlipwayModel

/// The top-level entries of a watched directory, each with its state, by one walk: what lies in an entry comes in one
/// piece. Not for two tasks at once.
final class EntryWalk {
  private let walk: any TreeWalk
  private let context: WorkflowContext
  private let watch: BytePath
  private let ports: EnginePorts
  private var held: WalkEntry?

  init(_ context: WorkflowContext, _ watch: BytePath, _ ports: EnginePorts) throws(Failure) {
    self.context = context
    self.watch = watch
    self.ports = ports
    walk = try ports.files.walk(watch)
    held = walk.next()
  }

  /// The next entry of which anything is taken; nil at the end, and where the task is cancelled.
  func next() -> (tree: TreeID, state: TreeState)? {
    while let first = held {
      let name = first.path.firstComponent
      let tree = TreeID(workflow: context.workflow.name, watch: watch, name: name)
      let planner = context.plannerForLooking(at: tree, ports)
      var state = TreeState()
      while let entry = held, let below = entry.path.relative(to: name) {
        state.add(WalkEntry(path: below, kind: entry.kind), planner)
        held = walk.next()
        if Task.isCancelled { return nil }
      }
      if !state.isEmpty { return (tree, state) }
    }
    return nil
  }
}

extension BytePath {
  /// Of a relative path.
  var firstComponent: BytePath {
    guard let end = bytes.firstIndex(of: UInt8(ascii: "/")) else { return self }
    return BytePath(Array(bytes[..<end]))
  }
}
