import SlipwayModel
import Testing

@Suite("From a path to its key")
struct KeyMappingTests {
  private func key(_ watch: String, _ source: String?, _ target: String, _ path: String) -> String {
    let mapping = KeyMapping(
      watch: BytePath(watch), sourcePrefix: source.map { BytePath($0).normalized }, targetPrefix: Array(target.utf8))
    return String(decoding: mapping.key(for: BytePath(path)).bytes, as: UTF8.self)
  }

  @Test("Without source_prefix the watched directory is stripped")
  func watchIsStripped() {
    #expect(key("/srv/ci/out", nil, "", "a/x.tar.gz") == "a/x.tar.gz")
    #expect(key("/srv/ci/out", nil, "nightly/2026/", "a/x.tar.gz") == "nightly/2026/a/x.tar.gz")
  }

  @Test(
    "Prefixes are stripped at components only, with or without a trailing slash",
    arguments: [
      ("/data", "/data/my", "mystuff/1", "data/mystuff/1"), ("/data", "/data/my/", "mystuff/1", "data/mystuff/1"),
      ("/data", "/data/my", "my/1", "1"), ("/data", "/data/my/", "my/1", "1"),
      ("/home/a", "/home/", "mystuff/1", "a/mystuff/1"),
      ("/home/a", "/home", "mystuff/1", "a/mystuff/1"), ("/home/a", "/", "b", "home/a/b"),
      ("/home/a", "/srv", "b", "home/a/b"), ("/home/a", "/home/a/b/c", "b/d", "home/a/b/d"),
    ])
  func sourcePrefix(watch: String, source: String, path: String, expected: String) {
    #expect(key(watch, source, "", path) == expected)
  }

  @Test(
    "The target prefix is joined with exactly one slash, and no key begins with one",
    arguments: [
      ("", "w/f"), ("/", "w/f"), ("p", "p/w/f"), ("p/", "p/w/f"), ("/p//", "p/w/f"), ("p/q", "p/q/w/f"),
    ])
  func targetPrefix(target: String, expected: String) {
    #expect(key("/w", "/", target, "f") == expected)
    #expect(key("/", nil, target, "w/f") == expected)
  }

  @Test("A prefix of a destination is joined likewise")
  func joining() {
    #expect(joinedKey(Array("builds".utf8), Array("a/b".utf8)) == ObjectKey("builds/a/b"))
    #expect(joinedKey([], Array("a/b".utf8)) == ObjectKey("a/b"))
    #expect(trimmingSlashes(Array("//a/b//".utf8)) == Array("a/b".utf8))
    #expect(trimmingSlashes(Array("//".utf8)) == [])
  }

  @Test("A source prefix that names the file itself leaves its name")
  func fileItself() {
    #expect(key("/w", "/w/f", "p", "f") == "p/f")
  }

  @Test("Bytes that are not UTF-8 go through as they are")
  func bytes() {
    let mapping = KeyMapping(watch: BytePath("/w"), sourcePrefix: nil, targetPrefix: [0xFE])
    #expect(mapping.key(for: BytePath([0x61, 0x2F, 0xFF])).bytes == [0xFE, 0x2F, 0x61, 0x2F, 0xFF])
  }

  @Test(
    "What cannot be an object's name is told before anything is sent",
    arguments: [
      ("a/b", nil), ("", "the key is empty"), ("a//b", "the key contains an empty component ('//')"),
      ("a/", "the key contains an empty component ('//')"), ("a/../b", "the key contains a '..' component"),
      ("./a", "the key contains a '.' component"), ("..", "the key contains a '..' component"), ("...", nil),
      (".a/..b", nil), (String(repeating: "k", count: 1024), nil),
      (String(repeating: "k", count: 1025), "the key has 1025 bytes, S3 allows 1024"),
      (String(repeating: "é", count: 513), "the key has 1026 bytes, S3 allows 1024"),
    ] as [(String, String?)])
  func problems(key: String, problem: String?) {
    #expect(KeyMapping.problem(with: ObjectKey(key)) == problem)
  }
}

@Suite("Two paths with one key")
struct RivalTests {
  /// All paths of up to four components from a few names, which collide as often as paths can.
  private static let paths: [BytePath] = {
    var found: [BytePath] = []
    var layer = [BytePath.here]
    for _ in 0..<4 {
      layer = layer.flatMap { parent in ["a", "b", "ab"].map { parent.appending($0) } }
      found += layer
    }
    return found
  }()

  /// Whether both can be files at once.
  private func canCoexist(_ one: BytePath, _ other: BytePath) -> Bool {
    !one.isWithin(other) && !other.isWithin(one)
  }

  @Test(
    "The rival is the only other path with the same key",
    arguments: [
      ("/", nil), ("/", "/a"), ("/", "/a/b"), ("/", "/b/a"), ("/", "/a/a"), ("/", "/a/b/a"), ("/a", nil), ("/a", "/"),
      ("/a", "/a/b"), ("/a", "/a/a"), ("/a", "/a/a/b"), ("/a", "/a/b/a"), ("/a", "/ab"), ("/a", "/b"), ("/a/b", "/a"),
      ("/a/b", "/a/b/a/b"), ("/b", "/b/a"),
    ] as [(String, String?)])
  func bruteForce(watch: String, source: String?) {
    let source = source.map { BytePath($0) }
    let mapping = KeyMapping(watch: BytePath(watch), sourcePrefix: source, targetPrefix: Array("p".utf8))
    // The source prefix is a directory here: then it is no file itself.
    let files = Self.paths.filter { path in source.map { BytePath(watch).appending(path) != $0 } ?? true }
    let byKey = Dictionary(grouping: files) { mapping.key(for: $0) }
    for path in files {
      let others = byKey[mapping.key(for: path), default: []].filter { $0 != path && canCoexist($0, path) }
      #expect(others.count <= 1)
      let rival = mapping.rival(of: path)
      if let other = others.first { #expect(rival == other, "\(path)") }
      if let rival {
        #expect(rival != path)
        #expect(mapping.key(for: rival) == mapping.key(for: path), "\(path) and \(rival)")
      }
    }
  }

  @Test("A rival exists at all in the brute force")
  func notVacuous() {
    let mapping = KeyMapping(watch: BytePath("/"), sourcePrefix: BytePath("/a"), targetPrefix: [])
    #expect(mapping.rival(of: BytePath("a/b")) == BytePath("b"))
    #expect(mapping.rival(of: BytePath("b")) == BytePath("a/b"))
    // It would lie below the source prefix itself, where it is stripped.
    #expect(mapping.rival(of: BytePath("a/a")) == nil)
  }
}
