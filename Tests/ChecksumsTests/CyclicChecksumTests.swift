import Checksums
import TestSupport
import Testing

@Suite struct CyclicChecksumTests {
  /// A kind of CRC with the slow way to compute it.
  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: CyclicCode
    let reference: @Sendable ([UInt8]) -> UInt64

    static let all = [
      Kind(testDescription: "CRC-32C", code: .crc32c, reference: CyclicReference.crc32c),
      Kind(testDescription: "CRC-64/NVME", code: .crc64nvme, reference: CyclicReference.crc64nvme),
    ]
  }

  /// Each set of instructions alone, both, and none; on a CPU without them some of these are the same.
  static let means: [CyclicChecksum.Means] = [
    .tables, .cpu(withCRC32C: true, withMultiply: false), .cpu(withCRC32C: false, withMultiply: true), .cpu,
  ]

  private func value(
    _ code: CyclicCode, _ bytes: some Collection<UInt8>, by means: CyclicChecksum.Means = .cpu
  ) -> UInt64 {
    var checksum = CyclicChecksum(code, by: means)
    checksum.update(Array(bytes))
    return checksum.value
  }

  private func randomBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max) }
  }

  @Test("Every means gives the published check values", arguments: means)
  func published(means: CyclicChecksum.Means) {
    let digits = Array("123456789".utf8)
    #expect(value(.crc32c, digits, by: means) == 0xE306_9283)
    #expect(value(.crc64nvme, digits, by: means) == 0xAE8B_1486_0A79_9888)
    // RFC 3720, appendix B.4.
    #expect(value(.crc32c, [UInt8](repeating: 0, count: 32), by: means) == 0x8A91_36AA)
    #expect(value(.crc32c, [UInt8](repeating: 0xFF, count: 32), by: means) == 0x62A8_AB43)
    #expect(value(.crc32c, 0..<32, by: means) == 0x46DD_794E)
  }

  @Test("Nothing has the checksum 0", arguments: Kind.all)
  func nothing(kind: Kind) {
    #expect(CyclicChecksum(kind.code).value == 0)
    #expect(value(kind.code, []) == 0)
  }

  @Test("The bytes are the value, the highest first, and none is left out")
  func bytes() {
    #expect(CyclicChecksum(.crc32c).bytes == [0, 0, 0, 0])
    #expect(CyclicChecksum(.crc64nvme).bytes == [UInt8](repeating: 0, count: 8))
    var checksum = CyclicChecksum(.crc32c)
    checksum.update(Array("123456789".utf8))
    #expect(checksum.bytes == [0xE3, 0x06, 0x92, 0x83])
    var wide = CyclicChecksum(.crc64nvme)
    wide.update(Array("123456789".utf8))
    #expect(wide.bytes == [0xAE, 0x8B, 0x14, 0x86, 0x0A, 0x79, 0x98, 0x88])
  }

  @Test("Every means agrees with the definition at each length up to 300 and each alignment", arguments: Kind.all)
  func lengthsAndAlignments(kind: Kind) {
    let bytes = randomBytes(300 + 64)
    for count in 0...300 {
      let start = count % 64
      let expected = kind.reference(Array(bytes[start..<start + count]))
      for means in Self.means { #expect(value(kind.code, bytes[start..<start + count], by: means) == expected) }
    }
    // A buffer of its own, so that the alignment is that of the address and not of the array's first element.
    let expected = kind.reference(Array(bytes[..<300]))
    for alignment in 0..<64 {
      withUnsafeTemporaryAllocation(byteCount: 300 + 64, alignment: 64) { memory in
        let place = UnsafeMutableRawBufferPointer(rebasing: memory[alignment..<alignment + 300])
        place.copyBytes(from: bytes[..<300])
        for means in Self.means {
          var checksum = CyclicChecksum(kind.code, by: means)
          checksum.update(UnsafeRawBufferPointer(place))
          #expect(checksum.value == expected)
        }
      }
    }
  }

  @Test("A message torn at random places has the checksum of the whole one", arguments: Kind.all)
  func streaming(kind: Kind) {
    for _ in 0..<200 {
      let bytes = randomBytes(.random(in: 0...4096))
      let expected = kind.reference(bytes)
      for means in Self.means {
        var checksum = CyclicChecksum(kind.code, by: means)
        var rest = bytes[...]
        while !rest.isEmpty {
          let piece = rest.prefix(.random(in: 0...700))
          checksum.update(Array(piece))
          rest = rest.dropFirst(piece.count)
        }
        #expect(checksum.value == expected)
      }
    }
  }

  @Test("The checksums of two parts combine into that of both", arguments: Kind.all)
  func combining(kind: Kind) {
    for _ in 0..<100 {
      let bytes = randomBytes(.random(in: 0...2000))
      let cut = Int.random(in: 0...bytes.count)
      let (first, second) = (value(kind.code, bytes[..<cut]), value(kind.code, bytes[cut...]))
      #expect(
        kind.code.combine(first, second, count: Int64(bytes.count - cut)) == kind.reference(bytes),
        "\(bytes.count) bytes, cut at \(cut)")
    }
  }

  @Test("Parts combine in any order of steps, also where they are larger than memory", arguments: Kind.all)
  func combiningLargeParts(kind: Kind) {
    let code = kind.code
    let (a, b, c) = (value(code, "a".utf8), value(code, "bb".utf8), value(code, "ccc".utf8))
    // As if each had so many bytes: that the lengths add up needs no such message.
    let (second, third) = (Int64(5) << 40, Int64.max - (Int64(5) << 40))
    let fromLeft = code.combine(code.combine(a, b, count: second), c, count: third)
    let fromRight = code.combine(a, code.combine(b, c, count: third), count: second + third)
    #expect(fromLeft == fromRight)
  }
}
