import SlipwayModel

/// Files of a mirror that change or go while they are sent: they are left to the next batch.
struct MirrorChanges: Sendable {
  private let tree: TreeID
  private let board: MirrorBoard

  init(_ tree: TreeID, _ board: MirrorBoard) {
    self.tree = tree
    self.board = board
  }

  /// Whether that is all there is to it. A process that sees no next batch tries again itself.
  func take(_ failure: Failure, _ path: BytePath) -> Bool {
    guard board.isService, failure.code == Failure.sourceChanged || Self.gone.contains(failure.code) else {
      return false
    }
    board.tell(tree, .parts([path]))
    return true
  }

  private static let gone: Set<String> = ["ENOENT", "ENOTDIR", "ELOOP"]
}
