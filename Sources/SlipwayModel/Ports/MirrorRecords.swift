/// The part of the ledger that mirrors need: what lies at their destinations, whatever run brought it there. Changes are
/// committed as all others. Every method may be called from any task.
public protocol MirrorRecords: Sendable {
  /// Where the objects of the mirror lie; nil if it has never been there.
  func mirrorPlace(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorPlace?

  /// The directory of which the mirror was made last; nil before that.
  func mirrorRoot(of tree: TreeID) async throws(Failure) -> DirectoryIdentity?

  /// The directories of the mirror, relative to it, on which other file systems were mounted; in byte order.
  func mirrorMounts(of tree: TreeID) async throws(Failure) -> [BytePath]

  /// In byte order of path, then destination: those of `path` and below it (`.`: all), after `last`; whole paths, about
  /// `limit` rows.
  func mirrored(
    by tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject]

  /// Those whose file had this inode; at most a few.
  func mirrored(by tree: TreeID, inode: UInt64) async throws(Failure) -> [MirroredObject]

  /// Those that are gone, in byte order of path, after `last`, at most `limit`.
  func mirroredToDelete(
    by tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject]

  func mirrorCounts(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorCounts
}
