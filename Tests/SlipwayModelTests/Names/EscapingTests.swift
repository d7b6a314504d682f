import SlipwayModel
import Testing

@Suite("Bytes for people")
struct EscapingTests {
  @Test(
    "Printable text stays as it is",
    arguments: ["plain.txt", "", "Ärger über Straße", "日本語", "🚢", " a b ", "$(x) `y` & ; | > \" ' *?[]{}~#%+"])
  func printable(text: String) {
    #expect(escaped(text.utf8) == text)
  }

  @Test("What steers a terminal or begins a line is written out")
  func controls() {
    #expect(escaped("a\nb\tc\rd\\e".utf8) == #"a\nb\tc\rd\\e"#)
    #expect(escaped([0x00, 0x01, 0x1B, 0x7F]) == #"\x00\x01\x1b\x7f"#)
    #expect(
      escaped("\u{202E}exe\u{2066}\u{FEFF}\u{85}\u{2028}\u{E000}".utf8)
        == #"\u{202e}exe\u{2066}\u{feff}\u{85}\u{2028}\u{e000}"#)
  }

  @Test(
    "Each byte that is not UTF-8 is told by itself",
    arguments: [
      ([0xFF], #"\xff"#), ([0x61, 0xFF, 0x62], #"a\xffb"#), ([0xC3], #"\xc3"#), ([0xC3, 0x28], #"\xc3("#),
      ([0xE2, 0x82], #"\xe2\x82"#), ([0xE2, 0x82, 0x41], #"\xe2\x82A"#), ([0xC3, 0xA9, 0xFF, 0x41], #"é\xffA"#),
      ([0xC0, 0xAF], #"\xc0\xaf"#), ([0xED, 0xA0, 0x80], #"\xed\xa0\x80"#),
      ([0xF4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#), ([0x80, 0x80], #"\x80\x80"#),
      ([0xF0, 0x9F, 0x9A, 0xC3, 0xA9], #"\xf0\x9f\x9aé"#), ([0xE2, 0x82, 0xAC, 0xE2, 0x82], #"€\xe2\x82"#),
      ([0xC3, 0xA9, 0xC3, 0xA9, 0xFF], #"éé\xff"#),
    ] as [([UInt8], String)])
  func invalid(bytes: [UInt8], text: String) {
    #expect(escaped(bytes) == text)
  }

  @Test("No byte is lost or read twice, whatever comes together")
  func nothingLost() {
    var random = SplitMix(state: 2)
    let pieces: [[UInt8]] = [
      [0x41], [0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0xF0, 0x9F, 0x9A, 0xA2], [0xFF], [0x80], [0xE2], [0x0A],
    ]
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...7, using: &random)).flatMap { _ in pieces.randomElement(using: &random) ?? []
      }
      #expect(unescaped(escaped(bytes)) == bytes, "\(bytes)")
    }
  }

  @Test("Hexadecimal digits are lowercase, two a byte")
  func digits() {
    #expect(hexadecimal([0x00, 0x0F, 0xA0, 0xFF]) == "000fa0ff")
    #expect(hexadecimal(0x7B) == "7b")
  }

  /// The inverse, for text that has only the escapes `\n` and `\xNN`.
  private func unescaped(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      if rest.popFirst() == UInt8(ascii: "n") {
        bytes.append(0x0A)
      } else {
        bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
        rest = rest.dropFirst(2)
      }
    }
    return bytes
  }

  @Test("A line keeps what is printable, backslashes too, and nothing that steers a terminal")
  func wholeLines() {
    #expect(escapedControls(#"cannot open a\nb: é"#) == #"cannot open a\nb: é"#)
    #expect(escapedControls("a\u{9B}31m\u{1B}[2K\nb\u{202E}c\u{7F}") == #"a\u{9b}31m\x1b[2K\nb\u{202e}c\x7f"#)
  }
}
