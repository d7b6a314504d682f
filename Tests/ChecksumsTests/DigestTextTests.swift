import Checksums
import Testing

@Suite struct DigestTextTests {
  @Test(
    "Base64 is that of RFC 4648, section 10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func base64(plain: String, encoded: String) {
    #expect(String(decoding: Array(plain.utf8).base64Text, as: UTF8.self) == encoded)
  }

  @Test("Base64 uses plus and slash")
  func alphabet() {
    #expect(String(decoding: ([0xFB, 0xEF, 0xFF] as [UInt8]).base64Text, as: UTF8.self) == "++//")
  }

  @Test("Hexadecimal is lowercase and keeps zeros")
  func hexadecimal() {
    var text = Array("x".utf8)
    text.appendHexadecimal([0, 0x0F, 0xA0, 0xFF])
    #expect(String(decoding: text, as: UTF8.self) == "x000fa0ff")
    #expect(([0x12, 0x34, 0xEF] as [UInt8]).hexadecimalText == Array("1234ef".utf8))
    #expect(([] as [UInt8]).hexadecimalText.isEmpty)
  }
}
