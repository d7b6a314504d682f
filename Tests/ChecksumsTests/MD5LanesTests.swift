import Checksums
import SlipwayModel
import Testing

@Suite("MD5s in lanes", .serialized)
struct MD5LanesTests {
  /// The lengths between which the end of a message takes another block, and those around whole blocks.
  private static let lengths = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000, 4096, 10_007]

  @Test("are the values that RFC 1321 publishes", arguments: [MD5Lanes.Means.baseline, .cpu])
  func published(means: MD5Lanes.Means) throws {
    let suite = [
      ("", "d41d8cd98f00b204e9800998ecf8427e"),
      ("a", "0cc175b9c0f1b6a831c399e269772661"),
      ("abc", "900150983cd24fb0d6963f7d28e17f72"),
      ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
      ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
      ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"),
      (
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        "57edf4a22be3c955ac49da2e2107b67a"
      ),
    ]
    let digests = try Self.digests(suite.map { Array($0.0.utf8) }, piece: 64, by: means)
    #expect(digests.map { String(decoding: $0.hexadecimalText, as: UTF8.self) } == suite.map(\.1))
  }

  @Test("of any lengths beside one another are those of libcrypto", arguments: [MD5Lanes.Means.baseline, .cpu])
  func mixes(means: MD5Lanes.Means) throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let messages = (0..<Int.random(in: 1...MD5Lanes.count)).map { _ in
        let length = Bool.random() ? Self.lengths.randomElement() ?? 0 : Int.random(in: 0...3000)
        return (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      }
      let piece = 64 * Int.random(in: 1...40)
      let expected = try messages.map { try MessageDigest.of($0, by: .md5) }
      let digests = try Self.digests(messages, piece: piece, by: means)
      #expect(digests == expected, "lengths \(messages.map(\.count)), pieces of \(piece)")
    }
  }

  @Test("of every lane are right for every length around the ends of blocks")
  func ends() throws {
    for length in Self.lengths {
      let messages = (0..<MD5Lanes.count).map { lane in
        (0..<length + lane).map { UInt8(truncatingIfNeeded: $0 &+ lane) }
      }
      let expected = try messages.map { try MessageDigest.of($0, by: .md5) }
      #expect(try Self.digests(messages, piece: 128, by: .cpu) == expected)
    }
  }

  @Test("are those of no bytes in lanes to which nothing is added")
  func idle() throws {
    let none = try MessageDigest.of([], by: .md5)
    #expect(try MD5Lanes().finalize() == Array(repeating: none, count: MD5Lanes.count))
  }

  /// The digests of the messages, given piece by piece.
  private static func digests(
    _ messages: [[UInt8]], piece: Int, by means: MD5Lanes.Means
  ) throws(Failure) -> [[UInt8]] {
    let memory = messages.map { message in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: message.count, alignment: 1)
      copy.copyBytes(from: message)
      return copy
    }
    defer { for copy in memory { copy.deallocate() } }
    var lanes = try MD5Lanes(by: means)
    for start in stride(from: 0, to: messages.reduce(0) { max($0, $1.count) }, by: piece) {
      lanes.update(memory.map { UnsafeRawBufferPointer(rebasing: $0.dropFirst(start).prefix(piece)) })
    }
    return Array(lanes.finalize().prefix(messages.count))
  }
}
