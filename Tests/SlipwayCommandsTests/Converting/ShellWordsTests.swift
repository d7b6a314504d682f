import Testing

@testable import SlipwayCommands

@Suite("A command line as one text")
struct ShellWordsTests {
  @Test(
    "Words, quotes and backslashes are what they are to a shell",
    arguments: [
      ("mirror --watch a b", ["mirror", "--watch", "a", "b"]),
      ("  a\t b\n", ["a", "b"]),
      ("--exclude '*.tmp' \"a b\" c\\ d", ["--exclude", "*.tmp", "a b", "c d"]),
      ("a'b c'\"d\"e ''", ["ab cde", ""]),
      (#""a\"b\\c\d\$" '\n'"#, [#"a"b\c\d$"#, #"\n"#]),
      ("mirror \\\n  --watch \\\r\n a", ["mirror", "--watch", "a"]),
      ("~/site ~ a~ ~b '~'", ["/home/me/site", "/home/me", "a~", "~b", "~"]),
      ("", []), ("\\", ["\\"]), ("'é ü'", ["é ü"]),
    ])
  func words(_ line: String, _ expected: [String]) throws {
    let words = try ShellWords.split(line, home: "/home/me")
    #expect(words == expected)
  }

  @Test("What a shell would replace, or act upon, is refused; in quotes it is text", arguments: Array("$`|&;<>()"))
  func refused(_ character: Character) throws {
    #expect(throws: ConversionProblem.self) { try ShellWords.split("a \(character)b", home: nil) }
    let words = try ShellWords.split("'a \(character)b'", home: nil)
    #expect(words == ["a \(character)b"])
  }

  @Test(
    "A quote without an end, and a variable in double quotes, are told",
    arguments: ["'a", "a \"b", "\"$HOME\"", "\"`x`\""])
  func open(_ line: String) {
    #expect(throws: ConversionProblem.self) { try ShellWords.split(line, home: nil) }
  }

  @Test("One argument with blanks is a command line, several are words as they are")
  func arguments() throws {
    let split = try ConvertMCVerb.words(["mc mirror 'a b'"], home: nil)
    #expect(split == ["mc", "mirror", "a b"])
    let given = try ConvertMCVerb.words(["mirror", "'a b'"], home: nil)
    #expect(given == ["mirror", "'a b'"])
    let single = try ConvertMCVerb.words(["mirror"], home: nil)
    #expect(single == ["mirror"])
  }
}
