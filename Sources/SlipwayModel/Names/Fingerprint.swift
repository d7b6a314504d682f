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
