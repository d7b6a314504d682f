extension Workflow {
  /// The tree at an absolute, normalized path: under the innermost of the watched directories that hold it; nil if it
  /// lies under none.
  public func tree(at path: BytePath) -> TreeID? {
    let holders = watch.map(\.path).filter { path.isWithin($0) }
    guard let innermost = holders.max(by: { $0.components.count < $1.components.count }),
      let below = path.relative(to: innermost)
    else { return nil }
    return TreeID(workflow: name, watch: innermost, name: below)
  }

  /// Where the tree lies while it is in a run.
  public func place(of tree: TreeID) -> BytePath {
    intake.workingDirectory.map { $0.appending(tree.name) } ?? tree.path
  }
}
