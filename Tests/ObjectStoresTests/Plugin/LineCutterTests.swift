import SlipwayModel
import Testing

@testable import ObjectStores

@Suite("Lines from a pipe")
struct LineCutterTests {
  private func cut(_ pieces: [String], limit: Int = 8) -> (lines: [String], rest: String?, isCut: Bool) {
    var cutter = LineCutter(limit: limit)
    var lines: [String] = []
    for piece in pieces {
      Array(piece.utf8).withUnsafeBytes { bytes in
        cutter.append(bytes) { line, isCut in
          lines.append(String(decoding: line, as: UTF8.self) + (isCut ? "…" : ""))
          return true
        }
      }
    }
    let isCut = cutter.isCut
    return (lines, cutter.finish().map { String(decoding: $0, as: UTF8.self) }, isCut)
  }

  @Test("are the same however the bytes arrive")
  func pieces() {
    let text = "one\n\ntwo\nthree"
    for size in 1...text.count {
      let bytes = Array(text)
      let pieces = stride(from: 0, to: bytes.count, by: size).map { String(bytes[$0..<min($0 + size, bytes.count)]) }
      let (lines, rest, _) = cut(pieces)
      #expect(lines == ["one", "", "two"])
      #expect(rest == "three")
    }
  }

  @Test("are cut at their limit, and say so")
  func limits() {
    #expect(cut(["12345678\n123456789\n1\n"]).lines == ["12345678", "12345678…", "1"])
    #expect(cut(["1234", "5678"]).isCut == false)
    #expect(cut(["1234", "56789"]).isCut)
  }
}

@Suite("A plugin's words")
struct PluginAnswerTests {
  @Test(
    "are answers only with an id and ok",
    arguments: [
      "", "{}", "[]", #"{"id":1}"#, #"{"ok":true}"#, #"{"id":"1","ok":true}"#, #"{"id":-1,"ok":true}"#,
      #"{"id":1,"ok":"true"}"#, #"{"id":1,"ok":true"#, #"{"id":1,"ok":true,"ok":false}"#, "{\"id\":1,\"ok\":true}x",
    ])
  func malformed(_ line: String) {
    #expect(PluginAnswer(Array(line.utf8)) == nil)
  }

  @Test("are read with care")
  func members() throws {
    let answer = try #require(
      PluginAnswer(
        Array(
          #"{"id":9,"ok":true,"size":12,"etag":"a\u001b[b","modified":1.5,"sha256":"zz","retry_after":1e99,"x":[1,"a"]}"#
            .utf8)))
    #expect(answer.id == 9 && answer.isOK)
    #expect(answer.head?.size == 12 && answer.head?.etag == "a\\x1b[b")
    #expect(answer.head?.modified == Timestamp(nanoseconds: 1_500_000_000))
    #expect(answer.sum == [] && answer.head?.checksum == nil)
    #expect(answer.retryAfter == .seconds(86_400))
    #expect(answer.texts("x") == ["a"])
    #expect(answer.objects == nil)
  }

  @Test("of a failure are cut and escaped, and of no known kind they are transient")
  func failures() throws {
    let text = String(repeating: "é\\n", count: 1_000)
    let answer = try #require(PluginAnswer(Array(#"{"id":9,"ok":false,"kind":"odd","error":"\#(text)"}"#.utf8)))
    let failure = answer.failure(.put, "a")
    #expect(failure.kind == .transient(retryAfter: nil))
    #expect(failure.cause.count < 2_100 && failure.cause.hasPrefix("é\\né\\n"))
  }

  @Test("requests have their members in the order that is promised, and keys byte for byte")
  func requests() throws {
    let request = PluginRequest.copy(ObjectKey("a \"b"), to: ObjectKey("e\u{301}\n"))
    #expect(
      String(decoding: request.line(id: 3), as: UTF8.self)
        == #"{"id":3,"op":"copy","source":"a \"b","source_encoded":"a%20%22b","key":"e"# + "\u{301}"
        + #"\u000a","key_encoded":"e%CC%81%0A"}"# + "\n")
  }
}
