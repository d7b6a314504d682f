import SlipwayModel
import Testing

@testable import S3Client

@Suite("JSON and dates of metadata services")
struct JSONValueTests {
  private func read(_ text: String) -> JSONValue? { JSONValue(Array(text.utf8)) }

  @Test("Every kind of value is read")
  func values() {
    let text = #" { "a" : [1, -0.5e+3, true, false, null, {}, []], "b":"x\n\u00e9\ud83d\ude00\"\/é" } "#
    #expect(
      read(text)
        == .object([
          "a": .array([
            .number("1"), .number("-0.5e+3"), .boolean(true), .boolean(false), .null, .object([:]), .array([]),
          ]),
          "b": .string("x\né😀\"/é"),
        ]))
  }

  @Test(
    "What is not JSON by the letter is nothing",
    arguments: [
      "", " ", "{", "}", "{} x", "{,}", #"{"a":1,}"#, "[1,]", "[1 2]", #"{"a" 1}"#, "{a:1}", "01", "1.", "1e", "-",
      "+1",
      "nul", "'a'", #""a"#, #""\x""#, #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, #""\u00g0""#, #""\u+041""#,
      "\"\n\"", #"{"a":1,"a":2}"#, "<html>", "NaN",
    ])
  func malformed(text: String) {
    #expect(read(text) == nil)
  }

  @Test("Bytes that are not UTF-8 are nothing")
  func encoding() {
    #expect(JSONValue([0x22, 0xFF, 0x22]) == nil)
    #expect(JSONValue([0x22, 0x61, 0x22]) == .string("a"))
  }

  @Test("Depth and size have bounds")
  func bounds() {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(read(nested(JSONValue.depthLimit + 1)) != nil)
    #expect(read(nested(JSONValue.depthLimit + 2)) == nil)
    #expect(read("1" + String(repeating: " ", count: JSONValue.sizeLimit - 1)) == .number("1"))
    #expect(read("1" + String(repeating: " ", count: JSONValue.sizeLimit)) == nil)
  }

  @Test(
    "Dates as services write them",
    arguments: [
      ("2026-11-21T03:45:12Z", 1_795_232_712), ("2026-11-21T03:45:12.123456Z", 1_795_232_712),
      ("2026-11-21T04:45:12+01:00", 1_795_232_712), ("2026-11-20T22:45:12-05:00", 1_795_232_712),
      ("1970-01-01T00:00:00Z", 0), ("2000-02-29T00:00:00Z", 951_782_400), ("2024-12-31T23:59:59Z", 1_735_689_599),
    ] as [(String, Int64)])
  func dates(text: String, seconds: Int64) {
    #expect(Timestamp(expiry: text) == Timestamp(seconds: seconds))
  }

  @Test(
    "What is no date is none",
    arguments: [
      "", "2026-11-21", "2026-11-21T03:45:12", "2026-13-21T03:45:12Z", "2026-11-21T24:45:12Z", "2026-11-21T03:45:12.Z",
      "2026-11-21T03:45:12Z ", "+026-11-21T03:45:12Z", "1795232712",
    ])
  func noDate(text: String) {
    #expect(Timestamp(expiry: text) == nil)
  }
}
