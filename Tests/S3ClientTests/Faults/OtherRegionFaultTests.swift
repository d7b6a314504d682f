import S3Client
import SlipwayModel
import TestSupport
import Testing

@Suite("fault 28: 301, 307 and 400 for a wrong region; a redirect loop; Location to another host")
struct OtherRegionFaultTests {
  private var elsewhere: ScriptedS3Server.Settings {
    var settings = ScriptedS3Server.Settings()
    settings.region = "eu-west-1"
    return settings
  }

  private func put(_ client: S3Client) async -> String {
    await code { () async throws(S3Error) in _ = try await client.putObject(ObjectKey("k"), [1, 2, 3]) }
  }

  @Test("400: the object arrives by a second signature, and later ones by the first")
  func malformed() async throws {
    try await ScriptedS3Server.with(elsewhere) { server in
      let client = try client(of: server)
      for _ in 0..<3 { #expect(await put(client) == "") }
      #expect(server.statuses == [400, 200, 200, 200])
      #expect(server.object("k")?.content == [1, 2, 3])
    }
  }

  @Test("An answer to HEAD, which has no body, is enough if its header names the region", arguments: [301, 400])
  func head(status: Int) async throws {
    let rule = FaultRule.first(
      "HEAD", "", .answer(status: status, code: "", headers: ["x-amz-bucket-region": "eu-west-1"]))
    try await ScriptedS3Server.with(elsewhere, rules: [rule]) { server in
      let client = try client(of: server)
      let head = try await client.headObject(ObjectKey("k"))
      #expect(head == nil)
      #expect(server.statuses == [status, 404])
    }
  }

  @Test("301 and 307: whatever Location says, nothing goes there", arguments: [301, 307])
  func location(status: Int) async throws {
    try await ScriptedS3Server.with(elsewhere) { server in
      try await ScriptedS3Server.with { other in
        server.add(
          .first(
            "PUT", "",
            .answer(
              status: status, code: "PermanentRedirect",
              headers: ["Location": other.endpoint + "/bucket/k", "x-amz-bucket-region": "eu-west-1"])))
        let client = try client(of: server)
        #expect(await put(client) == "")
        #expect(server.statuses == [status, 200])
        #expect(other.connectionCount == 0)
      }
    }
  }

  @Test("Without a region there is nothing to sign for: it is told, and nothing is sent again")
  func nameless() async throws {
    try await ScriptedS3Server.with { other in
      let answer = FaultRule.Action.answer(
        status: 307, code: "TemporaryRedirect", headers: ["Location": other.endpoint + "/bucket/k"])
      try await ScriptedS3Server.with(rules: [.every("PUT", "", answer)]) { server in
        let client = try client(of: server)
        #expect(await put(client) == "TemporaryRedirect")
        #expect(server.requests.count == 1)
        #expect(other.connectionCount == 0)
      }
    }
  }

  @Test("A loop ends after one repetition")
  func loop() async throws {
    func redirect(_ region: String) -> FaultRule.Action {
      .answer(status: 301, code: "PermanentRedirect", headers: ["x-amz-bucket-region": region])
    }
    let rules = [FaultRule.first("PUT", "", redirect("eu-west-1")), .every("PUT", "", redirect("us-east-1"))]
    try await ScriptedS3Server.with(rules: rules) { server in
      let client = try client(of: server)
      #expect(await put(client) == "PermanentRedirect")
      #expect(server.requests.count == 2)
    }
  }
}
