import SlipwayModel

/// For who believes no record.
struct NoMirrorRecords: MirrorRecords {
  func mirrorPlace(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorPlace? { nil }
  func mirrorRoot(of tree: TreeID) async throws(Failure) -> DirectoryIdentity? { nil }
  func mirrorMounts(of tree: TreeID) async throws(Failure) -> [BytePath] { [] }
  func mirrored(
    by tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] { [] }
  func mirrored(by tree: TreeID, inode: UInt64) async throws(Failure) -> [MirroredObject] { [] }
  func mirroredToDelete(
    by tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] { [] }
  func mirrorCounts(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorCounts {
    MirrorCounts()
  }
}
