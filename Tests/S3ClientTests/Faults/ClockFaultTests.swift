import S3Client
import SlipwayModel
import TestSupport
import Testing

@Suite("fault 30: a clock that is twenty minutes off, then right again")
struct ClockFaultTests {
  @Test(
    "The skew is corrected by the server's date, then forgotten", arguments: [Duration.seconds(1200), .seconds(-1200)])
  func offThenRight(offset: Duration) async throws {
    var settings = ScriptedS3Server.Settings()
    settings.clockOffset = offset
    try await ScriptedS3Server.with(settings) { server in
      let client = try client(of: server)
      for number in 0..<2 { _ = try await client.putObject(ObjectKey("a\(number)"), [1]) }
      #expect(server.statuses == [403, 200, 200])
      server.change { $0.clockOffset = .zero }
      for number in 0..<2 { _ = try await client.putObject(ObjectKey("b\(number)"), [1]) }
      #expect(server.statuses == [403, 200, 200, 403, 200, 200])
      #expect(server.keys().count == 4)
    }
  }

  @Test("A HEAD learns it, too")
  func head() async throws {
    var settings = ScriptedS3Server.Settings()
    settings.clockOffset = .seconds(1200)
    try await ScriptedS3Server.with(settings) { server in
      let client = try client(of: server)
      let head = try await client.headObject(ObjectKey("k"))
      #expect(head == nil)
      #expect(server.statuses == [403, 404])
    }
  }

  @Test("A refusal for another reason is no clock's matter")
  func refused() async throws {
    try await ScriptedS3Server.with(rules: [.every("PUT", "", .answer(status: 403, code: "AccessDenied"))]) { server in
      let client = try client(of: server)
      let found = await code { () async throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), [1]) }
      #expect(found == "AccessDenied")
      #expect(server.requests.count == 1)
    }
  }
}
