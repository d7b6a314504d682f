import SlipwayModel
import Testing

@Suite("Flat JSON")
struct FlatJSONTests {
  private func members(_ text: String) throws(FlatJSONProblem) -> [String] {
    try FlatJSON.members(of: Array(text.utf8)).map { "\($0.name)=\($0.value)" }
  }

  private func problem(_ bytes: [UInt8]) -> String? {
    do throws(FlatJSONProblem) {
      _ = try FlatJSON.members(of: bytes)
      return nil
    } catch {
      return "\(error.line):\(error.column) \(error.message)"
    }
  }

  @Test("Texts, numbers and booleans come as text, in their order, numbers as they are written")
  func values() throws {
    let found = try members(
      #" {"a":"b", "n": -1.50e+3,"zero":0 ,"t":true,"f":false, "é\n\"\\\/\u00e9\ud83d\udea2\t":"" }"# + "\r\n")
    #expect(found == ["a=b", "n=-1.50e+3", "zero=0", "t=true", "f=false", "é\n\"\\/é🚢\t="])
  }

  @Test("Nothing, blanks and an empty object have no members", arguments: ["", " \n\t\r", "{}", " { } "])
  func empty(_ text: String) throws {
    #expect(try members(text) == [])
  }

  @Test(
    "Whatever else it is, it is refused with its place",
    arguments: [
      ("[1]", "1:1 expected '{', the beginning of an object"),
      ("\"a\"", "1:1 expected '{', the beginning of an object"),
      ("{\"a\":{}}", "1:6 the value of 'a' is an object"),
      ("{\n \"a\":\n [1]}", "3:2 the value of 'a' is an array"),
      ("{\"a\":null}", "1:6 the value of 'a' is null"),
      ("{\"a\":1,\"a\":2}", "1:8 the name 'a' is there twice"),
      ("{\"a\":1,}", "1:8 expected a name in quotes"),
      ("{\"a\" 1}", "1:6 expected ':' behind the name"),
      ("{\"a\":1 \"b\":2}", "1:8 expected ',' or '}' behind a value"),
      ("{\"a\":1} {}", "1:9 something follows the object"),
      ("{\"a\":1", "1:7 expected ',' or '}' behind a value"),
      ("{", "1:2 expected a name in quotes"),
      ("{\"a", "1:3 a text has no end"),
      ("{\"a\":\"\\", "1:7 a text has no end"),
      ("{\"a\":01}", "1:6 this is no number"),
      ("{\"a\":1.}", "1:6 this is no number"),
      ("{\"a\":-}", "1:6 this is no number"),
      ("{\"a\":1e}", "1:6 this is no number"),
      ("{\"a\":+1}", "1:6 expected a text, a number, true or false"),
      ("{\"a\":NaN}", "1:6 expected a text, a number, true or false"),
      ("{\"a\":truth}", "1:6 expected a text, a number, true or false"),
      ("{a:1}", "1:2 expected a name in quotes"),
      ("{\"a\":\"\\x\"}", "1:7 unknown escape"),
      ("{\"a\":\"\\ud83d\"}", "1:7 '\\u' does not name a character"),
      ("{\"a\":\"\\udea2\"}", "1:7 '\\u' does not name a character"),
      ("{\"a\":\"\\u12\"}", "1:7 '\\u' does not name a character"),
      ("{\"a\":\"x\ny\"}", "1:8 a control character stands in a text"),
    ])
  func refused(_ text: String, _ told: String) {
    #expect(problem(Array(text.utf8)) == told)
  }

  @Test("What is not UTF-8 is refused, and so is a mark in front of it")
  func bytes() {
    #expect(problem(Array("{\"a\":\"".utf8) + [0xC0, 0xAF] + Array("\"}".utf8)) == "1:7 it is not UTF-8")
    #expect(problem([0xEF, 0xBB, 0xBF] + Array("{}".utf8)) == "1:1 expected '{', the beginning of an object")
  }

  @Test("Names that only look alike are two")
  func normalization() throws {
    #expect(try members("{\"\u{E9}\":1,\"e\u{301}\":2}").count == 2)
  }

  @Test("No document of any bytes does harm, however it is cut")
  func hostile() {
    var random = SplitMix(state: 7)
    let whole = Array(#"{"a":"b\u00e9\ud83d\udea2","n":-1.5e+3,"t":true,"f":false}"#.utf8)
    for end in whole.indices { #expect(end == 0 || problem(Array(whole[..<end])) != nil) }
    for _ in 0..<2000 {
      var bytes = whole
      bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      if let members = try? FlatJSON.members(of: bytes) { #expect(members.count <= 4) }
    }
    #expect(problem([UInt8](repeating: UInt8(ascii: "["), count: 100_000)) != nil)
  }
}
