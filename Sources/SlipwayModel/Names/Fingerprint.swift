/// What tells one content of a file from another without reading it.
public struct Fingerprint: Hashable, Sendable {
  public let device: UInt64
  public let inode: UInt64
  /// In bytes.
  public let size: Int64
  /// Nanoseconds since 1970, as are changes of the inode.
  public let modified: Int64
  public let changed: Int64

  public init(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
  }

  /// Equal but for the device, whose number changes with a reboot on overlay, NFS and btrfs.
  public func matchesAcrossProcesses(_ other: Fingerprint) -> Bool {
    inode == other.inode && size == other.size && modified == other.modified && changed == other.changed
  }
}

/// Which directory lies at a path: one that was made anew there, or mounted over it, is another one.
public struct DirectoryIdentity: Hashable, Sendable {
  public let inode: UInt64
  /// When it was made, in nanoseconds since 1970; nil where its file system does not tell.
  public let born: Int64?

  public init(inode: UInt64, born: Int64?) {
    self.inode = inode
    self.born = born
  }

  /// The device is left out: its number changes with a mount or a reboot. What it would tell the time tells: the roots of
  /// two file systems mostly have one and the same inode number, and one that has become free is given again.
  public func isSame(as other: Self) -> Bool {
    guard let born, let time = other.born else { return inode == other.inode }
    return inode == other.inode && born == time
  }
}

/// Which marker file has been answered: another pair at the same name is another marker. Where trees have no marker, the
/// two halves of a `TreeDigest` stand in its place.
public struct MarkerIdentity: Hashable, Sendable {
  public let inode: UInt64
  /// Nanoseconds since 1970.
  public let modified: Int64

  public init(inode: UInt64, modified: Int64) {
    self.inode = inode
    self.modified = modified
  }
}
