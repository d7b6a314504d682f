import CLibc
import Glibc
import LocalFiles

/// Whether the kernel tells of everything that happens on a file system. It tells of what is done through it, so
/// nothing of what other machines do, or whatever serves a file system in user space.
enum EventSupport: Equatable {
  case told
  /// Others may change it unseen; the kind, for people.
  case unseen(String)
  /// Of this kind only a try tells.
  case unknown(String)

  /// The file system on which `descriptor` lies, as `magic` (statfs(2), f_type) names it.
  init(magic: UInt32) {
    if Self.local.contains(magic) {
      self = .told
    } else if let kind = Self.remote[magic] {
      self = .unseen(kind)
    } else {
      // Of an overlay the upper layer alone is sure to tell: a directory of a lower one may be watched in vain.
      self = .unknown(magic == Self.overlay ? "overlay" : "a file system of type 0x" + String(magic, radix: 16))
    }
  }

  static func magic(of descriptor: Int32) throws(ErrorNumber) -> UInt32 {
    var status = statfs()
    if fstatfs(descriptor, &status) != 0 { throw ErrorNumber.last }
    return UInt32(truncatingIfNeeded: status.f_type)
  }

  static let overlay: UInt32 = 0x794C_7630

  /// As statfs(2) and linux/magic.h list them: ext, xfs, btrfs, tmpfs, ramfs, zfs, f2fs, bcachefs, jfs, reiserfs,
  /// nilfs, msdos, exfat, ntfs3, hfsplus.
  private static let local: Set<UInt32> = [
    0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x8584_58F6, 0x2FC1_2FC1, 0xF2F5_2010, 0xCA45_1A4E, 0x3153_464A,
    0x5265_4973, 0x3434, 0x4D44, 0x2011_BAB0, 0x7366_746E, 0x482B,
  ]

  private static let remote: [UInt32: String] = [
    0x6969: "nfs", 0x517B: "smb", 0xFE53_4D42: "smb2", 0xFF53_4D42: "cifs", 0x6573_5546: "fuse", 0x0102_1997: "9p",
    0x00C3_6400: "ceph", 0x5346_414F: "afs", 0x6B41_4653: "afs", 0x7375_7245: "coda", 0x0116_1970: "gfs2",
    0x7461_636F: "ocfs2", 0x0BD0_0BD0: "lustre", 0x4750_4653: "gpfs", 0x2003_0528: "orangefs", 0x786F_4256: "vboxsf",
    0xBACB_ACBC: "vmhgfs", 0x1983_0326: "beegfs",
  ]
}
