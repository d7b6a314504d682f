import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("fault 27: a server that accepts and never answers, or gives one byte a second", .timeLimit(.minutes(2)))
struct SilentServerFaultTests {
  private let limits = TimeLimits(connect: .seconds(10), stall: .seconds(1))

  @Test(
    "The stall limit ends the request, whichever way nothing moves",
    arguments: [
      FaultRule.Action.stall(.beforeBody), .stall(.beforeEffect), .stall(.afterEffect), .slowAnswer(bytesPerSecond: 1),
    ])
  func get(action: FaultRule.Action) async throws {
    try await ScriptedS3Server.with(rules: [.every("GET", "", action)]) { server in
      let client = try client(of: server, timeLimits: limits)
      let found = await code { () async throws(S3Error) in _ = try await client.getObject(ObjectKey("k")) }
      #expect(found == "Stalled")
    }
  }

  @Test("A body that is taken by one byte a second is given up, too")
  func put() async throws {
    try await ScriptedS3Server.with(rules: [.every("PUT", "", .slowRead(bytesPerSecond: 1))]) { server in
      let client = try client(of: server, timeLimits: limits)
      let body = [UInt8](repeating: 1, count: 32 << 20)
      let found = await code { () async throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), body) }
      #expect(found == "Stalled")
      #expect(server.object("k") == nil)
    }
  }
}
