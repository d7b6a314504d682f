import Checksums
import SlipwayModel
import Testing

@Suite struct MessageDigestTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test(
    "SHA-256 gives the values that FIPS 180-2 publishes",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func sha256(message: String, expected: String) throws {
    let digest = try MessageDigest.of(Array(message.utf8), by: .sha256)
    #expect(text(digest.hexadecimalText) == expected)
  }

  @Test(
    "MD5 gives the values that RFC 1321 publishes",
    arguments: [
      ("", "d41d8cd98f00b204e9800998ecf8427e"),
      ("abc", "900150983cd24fb0d6963f7d28e17f72"),
      (
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        "57edf4a22be3c955ac49da2e2107b67a"
      ),
    ])
  func md5(message: String, expected: String) throws {
    let digest = try MessageDigest.of(Array(message.utf8), by: .md5)
    #expect(text(digest.hexadecimalText) == expected)
  }

  @Test("A million letters in uneven pieces give the published SHA-256")
  func streaming() throws {
    var digest = try MessageDigest(.sha256)
    var sent = 0
    var piece = 1
    while sent < 1_000_000 {
      let count = min(piece, 1_000_000 - sent)
      digest.update([UInt8](repeating: UInt8(ascii: "a"), count: count))
      sent += count
      piece = piece * 3 % 7919 + 1
    }
    #expect(
      text(try digest.finalize().hexadecimalText) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("Digests under way at the same time do not disturb one another, nor does one that was given up")
  func interleaved() throws {
    var first = try MessageDigest(.sha256)
    first.update(Array("a".utf8))
    do {
      var abandoned = try MessageDigest(.sha256)
      abandoned.update(Array("never finished".utf8))
    }
    var second = try MessageDigest(.sha256)
    second.update(Array("abc".utf8))
    first.update(Array("bc".utf8))
    #expect(try first.finalize() == second.finalize())
  }

  @Test("Many threads may compute at once")
  func parallel() async throws {
    let message = [UInt8](repeating: 7, count: 10_000)
    let expected = try MessageDigest.of(message, by: .md5)
    let values = await withTaskGroup(of: [UInt8]?.self) { group in
      for _ in 0..<200 { group.addTask { try? MessageDigest.of(message, by: .md5) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(values.count == 200)
    #expect(values.allSatisfy { $0 == expected })
  }
}
