import SlipwayModel

extension Workflow {
  /// The name of the file that makes a directory a tree.
  var treeMarker: BytePath? {
    switch intake {
    case .marker(let name): name
    }
  }

  var allMarkerNames: Set<BytePath> {
    let (anywhere, inWatchedDirectory) = markerNames
    return anywhere.union(inWatchedDirectory)
  }

  /// The trees that the file at `path` marks: one under each watched directory that holds it.
  func trees(markedBy path: BytePath) -> [TreeID] {
    guard path.name == treeMarker else { return [] }
    let directory = path.parent
    return watch.compactMap { watch in
      directory.relative(to: watch.path).map { TreeID(workflow: name, watch: watch.path, name: $0) }
    }
  }
}
