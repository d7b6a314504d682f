import SlipwayModel

/// Files of a mirror that cannot be sent now, and that is no failure.
struct MirrorChanges: Sendable {
  private let tree: TreeID
  private let board: MirrorBoard
  private let obstructed: ObstructedFiles?

  /// `obstructed` is nil where nothing makes way any more.
  init(_ tree: TreeID, _ board: MirrorBoard, _ obstructed: ObstructedFiles?) {
    self.tree = tree
    self.board = board
    self.obstructed = obstructed
  }

  /// Whether the file is left for later because of `failure`: to the next batch if it has changed or gone while it was
  /// sent, until others have been deleted if one of them lies in its way. A process that sees no next batch tries again
  /// itself.
  func take(_ failure: Failure, ofSource: Bool, _ path: BytePath) -> Bool {
    if !ofSource {
      guard let obstructed, failure.code == Failure.inTheWay else { return false }
      obstructed.add(path, failure)
      return true
    }
    guard board.isService, failure.code == Failure.sourceChanged || Self.gone.contains(failure.code) else {
      return false
    }
    board.tell(tree, .parts([path]))
    return true
  }

  private static let gone: Set<String> = ["ENOENT", "ENOTDIR", "ELOOP"]
}
