/// What tells one state of a tree from another in sixteen bytes: a digest over the paths and fingerprints of its files,
/// in the order of a walk. The same in every process: it stands in the ledger. Not for secrets, and not against those
/// who look for collisions; whoever writes a tree could deceive nobody but themselves.
public struct TreeDigest: Sendable, Hashable {
  private var first: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var second: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  public private(set) var fileCount = 0

  public init() {}

  /// Of a tree that is this one file.
  public init(of fingerprint: Fingerprint) {
    add(.here, fingerprint)
  }

  /// `path` is relative to the tree. The device is left out: its number changes with a reboot.
  public mutating func add(_ path: BytePath, _ fingerprint: Fingerprint) {
    fileCount += 1
    note(path, fingerprint)
  }

  /// The same of a file that does not count as one of the tree's.
  public mutating func note(_ path: BytePath, _ fingerprint: Fingerprint) {
    add(path.bytes)
    mix(fingerprint.inode)
    mix(UInt64(bitPattern: fingerprint.size))
    mix(UInt64(bitPattern: fingerprint.modified))
    mix(UInt64(bitPattern: fingerprint.changed))
  }

  /// What stands in the place of a marker.
  public var identity: MarkerIdentity {
    let (one, two) = (first &+ second, second ^ Self.rotated(first, by: 29))
    return MarkerIdentity(inode: Self.scattered(one), modified: Int64(bitPattern: Self.scattered(two)))
  }

  /// With their number, so that no two lists of paths read alike.
  private mutating func add(_ bytes: [UInt8]) {
    mix(UInt64(bytes.count))
    var word: UInt64 = 0
    for (index, byte) in bytes.enumerated() {
      word = word << 8 | UInt64(byte)
      if index % 8 == 7 { mix(word) }
    }
    mix(word)
  }

  // The constants and the finalizer are those of MurmurHash3, which is in the public domain.
  private mutating func mix(_ word: UInt64) {
    first ^= Self.rotated(word &* 0x87C3_7B91_1142_53D5, by: 31) &* 0x4CF5_AD43_2745_937F
    first = (Self.rotated(first, by: 27) &+ second) &* 5 &+ 0x52DC_E729
    second ^= Self.rotated(word &* 0x4CF5_AD43_2745_937F, by: 33) &* 0x87C3_7B91_1142_53D5
    second = (Self.rotated(second, by: 31) &+ first) &* 5 &+ 0x3849_5AB5
  }

  private static func scattered(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ word >> 33) &* 0xFF51_AFD7_ED55_8CCD
    word = (word ^ word >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return word ^ word >> 33
  }

  private static func rotated(_ word: UInt64, by count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
}
