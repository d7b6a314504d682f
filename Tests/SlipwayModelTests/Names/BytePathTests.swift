import SlipwayModel
import Testing

@Suite("Paths as bytes")
struct BytePathTests {
  @Test("NFC and NFD of one letter are two paths")
  func twins() {
    let composed = BytePath("\u{E9}")
    let decomposed = BytePath("e\u{301}")
    #expect("\u{E9}" == "e\u{301}")
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed]).count == 2)
    #expect(decomposed < composed)
  }

  @Test("Order is byte order, a prefix first")
  func order() {
    let sorted = ["", "-", "a", "a-b", "a/b", "a0", "ab", "b", "\u{E9}"].map { BytePath($0) } + [BytePath([0xFF])]
    #expect(sorted.shuffled().sorted() == sorted)
    #expect(![UInt8]([1]).precedes([1]))
    #expect([UInt8]([]).precedes([0]))
  }

  @Test(
    "The name is the last component, the parent what is before it",
    arguments: [
      ("a/b", "b", "a"), ("a", "a", "."), ("/a", "a", "/"), ("/a/b", "b", "/a"), ("/", "", "/"), ("", "", "."),
      ("a/", "a", "."), ("a//b//", "b", "a"), ("//a", "a", "/"), ("/a/b/", "b", "/a"),
    ])
  func nameAndParent(path: String, name: String, parent: String) {
    #expect(BytePath(path).name == BytePath(name))
    #expect(BytePath(path).parent == BytePath(parent))
  }

  @Test(
    "Appending puts exactly one slash between",
    arguments: [
      ("/a", "b", "/a/b"), ("/a/", "b", "/a/b"), ("/a", "/b", "/a/b"), ("/", "b", "/b"), ("/", "/b", "/b"),
      (".", "b", "b"), ("a", ".", "a"), ("", "b", "b"), ("a", "", "a"), (".", ".", "."),
    ])
  func appending(left: String, right: String, joined: String) {
    #expect(BytePath(left).appending(right) == BytePath(joined))
  }

  @Test(
    "What remains below another path is found by whole components",
    arguments: [
      ("/data/mystuff/1", "/data/my", nil), ("/data/my/1", "/data/my", "1"), ("/data/my/1", "/data/my/", "1"),
      ("/data/my", "/data/my", "."), ("/data/my/", "/data/my", "."), ("/data", "/data/my", nil), ("/a/b", "/", "a/b"),
      ("/", "/", "."), ("a/b", ".", "a/b"), ("/a", ".", nil), ("a/b", "a", "b"), ("a", "/", nil), ("/a//b", "/a", "b"),
    ] as [(String, String, String?)])
  func relative(path: String, ancestor: String, rest: String?) {
    #expect(BytePath(path).relative(to: BytePath(ancestor)) == rest.map { BytePath($0) })
    #expect(BytePath(path).isWithin(BytePath(ancestor)) == (rest != nil))
  }

  @Test(
    "Normalizing works on text alone, as realpath -sm does",
    arguments: [
      ("/a/./b//c/", "/a/b/c"), ("/a/../b", "/b"), ("/..", "/"), ("/../a", "/a"), ("/", "/"), ("//", "/"),
      ("a/..", "."), ("..", ".."), ("../a", "../a"), ("a/../..", ".."), ("../..", "../.."), ("", "."), (".", "."),
      ("./a", "a"), ("/a/b/../../..", "/"),
    ])
  func normalized(path: String, normal: String) {
    #expect(BytePath(path).normalized == BytePath(normal))
    #expect(BytePath(normal).normalized == BytePath(normal))
  }

  @Test(
    "Trailing slashes go, the root's stays",
    arguments: [("/a/", "/a"), ("/a//", "/a"), ("/", "/"), ("//", "/"), ("a", "a"), ("", "")])
  func trailing(path: String, without: String) {
    #expect(BytePath(path).withoutTrailingSeparators == BytePath(without))
  }

  @Test(
    "A path has the name that its last component is",
    arguments: ["a", "a/b", "/a", "/", "", ".", "ab", "a/ab", "ba", "a/b/", "b/a//", "a\u{e9}/a"])
  func names(path: String) {
    let path = BytePath(path)
    for name in ["a", "b", "ab", "", "."].map({ BytePath($0) }) {
      #expect(path.hasName(name) == (path.name == name))
    }
  }

  @Test("What appending joined, relative takes apart, whatever the bytes")
  func roundTrip() {
    var random = SplitMix(state: 1)
    for _ in 0..<2000 {
      let path = BytePath("/" + "w")
      let alphabet: [UInt8] = [0x61, 0x2E, 0x2F, 0xFF, 0x0A]
      let bytes = (0..<Int.random(in: 1...6, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      let below = BytePath(bytes).normalized
      guard !below.isAbsolute, !below.bytes.starts(with: [0x2E, 0x2E]), below != .here else { continue }
      #expect(path.appending(below).relative(to: path) == below)
      #expect(path.appending(below).parent.appending(below.name) == path.appending(below))
    }
  }
}
