import SlipwayModel

extension Workflow {
  /// For how long nothing may change in a tree before it is ready; nil where that is no matter.
  var settleTime: Duration? {
    if case .settled(let time) = intake { time } else { nil }
  }

  var allMarkerNames: Set<BytePath> {
    let (anywhere, inWatchedDirectory) = markerNames
    return anywhere.union(inWatchedDirectory)
  }

  /// The trees that the file at `path` marks: one under each watched directory that holds it.
  func trees(markedBy path: BytePath) -> [TreeID] {
    guard path.name == intake.markerName else { return [] }
    return trees(at: path.parent)
  }

  /// What lies at `path`, as a tree under each watched directory that holds it.
  func trees(at path: BytePath) -> [TreeID] {
    watch.compactMap { watch in
      path.relative(to: watch.path).map { TreeID(workflow: name, watch: watch.path, name: $0) }
    }
  }
}
