import PatternMatching
import SlipwayModel
import Testing

@testable import SlipwayCommands

@Suite("mc's patterns")
struct MCWildcardTests {
  /// What each takes, and what it does not: the whole path, and `*` crosses slashes.
  private static let table: [(pattern: String, regex: String, takes: [String], leaves: [String])] = [
    ("*.tmp", #"\.tmp$"#, ["a.tmp", "d/e/a.tmp", ".tmp"], ["a.tmp.gz", "a_tmp", "tmp", "a.tmp\n"]),
    ("a*", "^a", ["a", "a/b", "ab"], ["b/a", "A"]),
    ("*", "^", ["a", "a/b", ".hidden"], []),
    ("**", "^", ["a", "a/b"], []),
    ("build/*", "^build/", ["build/x", "build/x/y"], ["build", "a/build/x"]),
    ("*/build/*", "/build/", ["a/build/x", "a/b/build/"], ["build/x", "a/build"]),
    ("notes", "^notes$", ["notes"], ["a/notes", "notes/a", "notes2"]),
    ("a*z", "^a.*z$", ["az", "a/b/z", "a\nz"], ["az2", "baz"]),
    ("a?c", "^a.c$", ["abc", "a/c"], ["ac", "abbc"]),
    ("a*b*c", "^a(?>.*?b).*c$", ["abc", "a/xb/yc", "abbcbc"], ["acb", "ab", "abcd"]),
    ("*a*b", "^(?>.*?a).*b$", ["ab", "xa/yb"], ["ba", "aba"]),
    ("[a]+(b).$^|{c}\\", #"^\[a\]\+\(b\)\.\$\^\|\{c\}\\$"#, ["[a]+(b).$^|{c}\\"], ["a"]),
    ("é??", "^é..$", ["éab", "éé"], ["éa"]),
  ]

  @Test("Each becomes a regular expression that takes the same paths", arguments: table.indices)
  func converts(_ index: Int) throws {
    let row = Self.table[index]
    let regex = try #require(MCWildcard.regex(row.pattern))
    #expect(regex == row.regex)
    let compiled = try PCRE2Compiler().compile(regex)
    for path in row.takes {
      let matches = try compiled.matches(Array(path.utf8))
      #expect(matches, "\(row.pattern) takes \(path)")
    }
    for path in row.leaves {
      let matches = try compiled.matches(Array(path.utf8))
      #expect(!matches, "\(row.pattern) leaves \(path)")
    }
  }

  @Test("The empty pattern takes no file")
  func empty() {
    #expect(MCWildcard.regex("") == nil && MCWildcard.topRegex("") == nil)
  }

  @Test("Many stars need no more steps than a pattern may have")
  func bounded() throws {
    let regex = try #require(MCWildcard.regex("a*a*a*a*a*a*a*a*a*a*b"))
    let compiled = try PCRE2Compiler().compile(regex)
    let matches = try compiled.matches(Array(repeating: UInt8(ascii: "a"), count: 4000))
    #expect(!matches)
  }

  @Test("A bucket's pattern goes by what lies at the top of the directory")
  func top() throws {
    let compiled = try PCRE2Compiler().compile(try #require(MCWildcard.topRegex("te?t*")))
    for (path, expected) in [
      ("test", true), ("test-1/a/b", true), ("a/test", false), ("te/t", false), ("tet", false),
    ] {
      let matches = try compiled.matches(Array(path.utf8))
      #expect(matches == expected, "\(path)")
    }
  }
}
