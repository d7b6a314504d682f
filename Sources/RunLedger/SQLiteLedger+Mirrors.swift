import GRDB
import SlipwayModel

extension SQLiteLedger {
  package func mirrorPlace(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorPlace? {
    try await read { try MirrorRows.place(of: tree, at: destination, in: $0) }
  }

  package func mirrorRoot(of tree: TreeID) async throws(Failure) -> DirectoryIdentity? {
    try await read { try MirrorRows.root(of: tree, in: $0) }
  }

  package func mirrorMounts(of tree: TreeID) async throws(Failure) -> [BytePath] {
    try await read { try MirrorRows.mounts(of: tree, in: $0) }
  }

  package func mirrored(
    by tree: TreeID, within path: BytePath, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] {
    try await read { try MirrorRows.objects(of: tree, within: path, after: last, limit: limit, in: $0) }
  }

  package func mirrored(by tree: TreeID, inode: UInt64) async throws(Failure) -> [MirroredObject] {
    try await read { try MirrorRows.objects(of: tree, inode: inode, in: $0) }
  }

  package func mirroredToDelete(
    by tree: TreeID, at destination: DestinationName, after last: BytePath?, limit: Int
  ) async throws(Failure) -> [MirroredObject] {
    try await read { try MirrorRows.objectsToDelete(of: tree, at: destination, after: last, limit: limit, in: $0) }
  }

  package func mirrorCounts(of tree: TreeID, at destination: DestinationName) async throws(Failure) -> MirrorCounts {
    try await read { try MirrorRows.counts(of: tree, at: destination, in: $0) }
  }
}
