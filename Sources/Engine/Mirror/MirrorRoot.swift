import SlipwayModel

/// The watched directory of a mirror. Where another one lies at its path than the last run that was done has seen,
/// unmounted, mounted over or made anew, nothing is deleted because that one lacks it, until a person has pushed it.
public struct MirrorRoot: Sendable {
  private let tree: TreeID
  private let files: any TreeFiles
  private let ledger: any Ledger

  public init(of tree: TreeID, _ files: any TreeFiles, _ ledger: any Ledger) {
    self.tree = tree
    self.files = files
    self.ledger = ledger
  }

  /// Whoever pushes a mirror says that what lies there now is right. Durable when it returns; idempotent.
  public func accept() async throws(Failure) {
    // What nobody has seen yet, the first run writes down.
    guard let known = try await ledger.mirrorRoot(of: tree), let now = try now() else { return }
    try await MirrorMounts(of: tree, files, ledger).accept()
    if now.isSame(as: known) { return }
    try await ledger.commit([.mirrorRoot(tree, now)])
  }

  /// What lies there now; nil if that is no directory.
  func now() throws(Failure) -> DirectoryIdentity? { try files.identity(of: tree.path) }

  /// Throws a permanent failure where `root` is another one than the ledger knows.
  func check(_ root: DirectoryIdentity?) async throws(Failure) {
    guard let known = try await ledger.mirrorRoot(of: tree) else { return }
    if root?.isSame(as: known) != true { throw isAnother }
  }

  /// The failure itself.
  var isAnother: Failure {
    Failure(
      .permanent, "mirror", tree.path.description,
      cause: "another directory lies there than before, and some of the files do not: nothing is deleted",
      remedy: "bring the former one back, or say that this one is right: slipway push \(tree.workflow)")
  }
}
