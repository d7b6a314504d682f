import SlipwayModel

/// The file systems that are mounted below the watched directory of a mirror. With one that is gone its files are gone,
/// and nobody has removed them: nothing is deleted for that, until a person has pushed the mirror.
struct MirrorMounts {
  let tree: TreeID
  let files: any TreeFiles
  let ledger: any Ledger

  init(of tree: TreeID, _ files: any TreeFiles, _ ledger: any Ledger) {
    self.tree = tree
    self.files = files
    self.ledger = ledger
  }

  /// The directories, relative to the mirror, on which a file system is known to have been, and on which none is now.
  func gone() async throws(Failure) -> [BytePath] {
    var gone: [BytePath] = []
    for mount in try await ledger.mirrorMounts(of: tree) {
      if try files.mountPoint(above: mount, in: tree.path) != mount { gone.append(mount) }
    }
    return gone
  }

  /// Whoever pushes a mirror says that what lies there now is right. Durable when it returns; idempotent.
  func accept() async throws(Failure) {
    let gone = try await gone()
    if !gone.isEmpty { try await ledger.commit([.mirrorMountsGone(tree, gone)]) }
  }

  /// Throws a permanent failure where something that lay on a file system that is gone is to be deleted.
  func check(at destinations: [DestinationName]) async throws(Failure) {
    for mount in try await gone() {
      let below = BytePath(mount.bytes + [UInt8(ascii: "/")])
      for destination in destinations {
        let next = try await ledger.mirroredToDelete(by: tree, at: destination, after: below, limit: 1)
        if next.first?.path.isWithin(mount) == true { throw isGone(mount) }
      }
    }
  }

  /// The failure itself.
  func isGone(_ mount: BytePath) -> Failure {
    Failure(
      .permanent, "mirror", tree.path.description,
      cause: "nothing is mounted on \(tree.path.appending(mount)) any more, and files are gone with it: "
        + "nothing is deleted",
      remedy: "mount it again, or say that this is right: slipway push \(tree.workflow)")
  }
}

/// The mounted file systems that a walk comes by.
struct SeenMounts {
  private let tree: BytePath
  private let files: any TreeFiles
  /// Those of files that lie where the watched directory itself does.
  private var own: Set<UInt64> = []
  private var mounts: [(path: BytePath, device: UInt64)] = []

  /// `tree` is absolute.
  init(in tree: BytePath, _ files: any TreeFiles) {
    self.tree = tree
    self.files = files
  }

  /// The directory, relative to the tree, on which the file system of this file is mounted, when it is the first of it.
  mutating func take(_ file: BytePath, _ fingerprint: Fingerprint) throws(Failure) -> BytePath? {
    let device = fingerprint.device
    if own.contains(device) { return nil }
    if mounts.contains(where: { $0.device == device && file.isWithin($0.path) }) { return nil }
    guard let mount = try files.mountPoint(above: file.parent, in: tree) else {
      own.insert(device)
      return nil
    }
    mounts.append((mount, device))
    return mount
  }
}
