import Foundation
import SlipwayModel
import Testing

@Suite("Templates")
struct TemplateTests {
  private let values = Template.Values(
    workflow: WorkflowName("nightly"), tree: BytePath([0x61, 0xFF]), run: RunID("0run"),
    date: CalendarDate(Timestamp(seconds: 1_369_357_445)), environment: ["TEAM": [0x63, 0xFE]], host: "mill")

  private func evaluated(_ text: String) throws -> [UInt8] {
    try Template(parsing: text).evaluated(with: values)
  }

  @Test(
    "Fields are replaced, the rest stays",
    arguments: [
      ("", ""), ("plain/é", "plain/é"), ("{workflow}/", "nightly/"), ("{run}{host}", "0runmill"),
      ("{date:%Y/%m/%d}/x", "2013/05/24/x"), ("{date:%H-%M-%S %j %y %%}", "01-04-05 144 13 %"),
      ("{{workflow}}", "{workflow}"), ("{{{host}}}", "{mill}"), ("a}}b", "a}b"), ("{env.NONE}", ""),
    ])
  func fields(text: String, result: String) throws {
    #expect(try evaluated(text) == Array(result.utf8))
  }

  @Test("Tree names and variables go in as bytes")
  func bytes() throws {
    #expect(try evaluated("{tree}-{env.TEAM}") == [0x61, 0xFF, 0x2D, 0x63, 0xFE])
    #expect(try Template(parsing: "{env.A}{env.B}{host}").environmentNames == ["A", "B"])
  }

  @Test(
    "What cannot be read is told with its offset",
    arguments: [
      ("ab{host", 2, "'{' without '}'; write '{{' for a literal brace"),
      ("a}b", 1, "'}' without '{'; write '}}' for a literal brace"),
      ("{date:}", 0, "{date:} needs a format, as in {date:%Y/%m/%d}"),
      ("x{date:%Q}", 1, "unknown date format '%Q'; there are %Y %y %m %d %H %M %S %j and %%"),
      ("x{date:%}", 1, "unknown date format '%'; there are %Y %y %m %d %H %M %S %j and %%"),
      (
        "é{Tree}", 2,
        "unknown field '{Tree}'; there are {workflow}, {tree}, {run}, {date:FORMAT}, {env.NAME} and {host}"
      ),
      ("{}", 0, "unknown field '{}'; there are {workflow}, {tree}, {run}, {date:FORMAT}, {env.NAME} and {host}"),
      (
        "{env.}", 0, "unknown field '{env.}'; there are {workflow}, {tree}, {run}, {date:FORMAT}, {env.NAME} and {host}"
      ),
    ])
  func problems(text: String, offset: Int, message: String) {
    #expect {
      _ = try Template(parsing: text)
    } throws: { error in
      let problem = error as? TemplateProblem
      return problem?.offset == offset && problem?.message == message
    }
  }

  @Test("Date formats agree with strftime")
  func dates() throws {
    for seconds in stride(from: 0, to: 4_000_000_000, by: 86_400 * 97 + 4321) {
      var moment = time_t(seconds)
      var parts = tm()
      gmtime_r(&moment, &parts)
      var buffer = [CChar](repeating: 0, count: 64)
      let format = "%Y-%y-%m-%d %H:%M:%S %j %%"
      let length = strftime(&buffer, buffer.count, format, &parts)
      let expected = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      #expect(CalendarDate(Timestamp(seconds: Int64(seconds))).formatted(format) == expected)
    }
  }
}
