import SlipwayModel

/// How a file is cut into parts. Pure.
package struct PartPlan: Sendable, Hashable {
  /// S3 User Guide, "Amazon S3 multipart upload limits".
  package static let partsMax: Int64 = 10_000
  package static let partSizeMax: Int64 = 5 << 30
  /// Grown part sizes are multiples of this, so that they can be told and compared.
  private static let granule: Int64 = 1 << 20

  /// In bytes.
  package let size: Int64
  /// In bytes; of every part but the last.
  package let partSize: Int64

  /// Parts of `partSize` as it was written down, or as it is wished for and no smaller than 10,000 parts need.
  package init(size: Int64, partSize: Int64) {
    self.size = size
    self.partSize = partSize
  }

  /// nil where not even the largest parts suffice.
  package init?(size: Int64, wishedPartSize: Int64) {
    // What an attacker's sparse file claims to have must not overflow below.
    guard size <= Self.partsMax * Self.partSizeMax else { return nil }
    let needed = (size + Self.partsMax - 1) / Self.partsMax
    let grown = (needed + Self.granule - 1) / Self.granule * Self.granule
    self.init(size: size, partSize: needed <= wishedPartSize ? max(wishedPartSize, 1) : grown)
    if partSize > Self.partSizeMax { return nil }
  }

  /// At least one: a file without content is one empty part.
  package var count: Int { Int(max(1, (size + partSize - 1) / partSize)) }

  /// Where the part lies in the file; numbers begin with 1.
  package func range(of number: Int) -> Range<Int64> {
    let start = Int64(number - 1) * partSize
    return start..<min(start + partSize, size)
  }
}
