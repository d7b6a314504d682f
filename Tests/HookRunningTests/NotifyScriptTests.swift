import Foundation
import HookRunning
import SlipwayModel
import Testing

@Suite("The ready-made hook notify", .enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/curl")))
struct NotifyScriptTests {
  let bench: ScriptBench

  init() throws {
    bench = try ScriptBench()
  }

  private func notify(_ server: AnsweringServer, _ arguments: [String] = [], path: String = "/hook/") async
    -> HookResult
  {
    await bench.run("notify", arguments + ["http://127.0.0.1:\(server.port)\(path)"], run: RunID("01test"))
  }

  @Test("the manifest arrives byte for byte, with the headers of the file and none of them in the arguments")
  func delivers() async throws {
    try bench.bench.write("manifest.json", "{\"version\":1,\n\"x\":\"\u{1F600}\"}\n")
    try bench.bench.write("headers", "Authorization: Bearer secret\nX-Other: y\n")
    let server = try AnsweringServer([200, 204])
    for _ in 0..<2 {
      let result = await notify(server, ["--header-file", bench.bench.path("headers")], path: "/hook/?a=[1-2]")
      #expect(result.ending == .exited(0))
      #expect(result.text == "")
    }
    let requests = server.requests
    #expect(requests.count == 2)
    for request in requests {
      #expect(request.hasPrefix("POST /hook/?a=[1-2] HTTP/1.1\r\n"))
      #expect(request.contains("\r\nAuthorization: Bearer secret\r\n"))
      #expect(request.contains("\r\nX-Other: y\r\n"))
      #expect(request.contains("\r\nContent-Type: application/json\r\n"))
      #expect(request.contains("\r\nIdempotency-Key: 01test\r\n"))
      #expect(request.hasSuffix("\r\n\r\n{\"version\":1,\n\"x\":\"\u{1F600}\"}\n"))
    }
  }

  @Test("429 and 503 mean later", arguments: [429, 503])
  func later(_ code: Int) async throws {
    let server = try AnsweringServer([code])
    let result = await notify(server)
    #expect(result.ending == .exited(75))
    #expect(result.text.hasSuffix("notify: the server answered \(code), later again\n"))
  }

  @Test("what passes by is tried again, and then it is well")
  func again() async throws {
    let server = try AnsweringServer([503, 200])
    #expect(await notify(server).ending == .exited(0))
    #expect(server.requests.count == 2)
  }

  @Test("a refusal and a redirect are failures, and nobody follows", arguments: [301, 404])
  func refused(_ code: Int) async throws {
    let server = try AnsweringServer([code])
    let result = await notify(server)
    #expect(result.ending == .exited(1))
    #expect(result.text.hasSuffix("notify: the server answered \(code)\n"))
    #expect(server.requests.count == 1)
  }

  @Test("what cannot be right is refused before anything is sent")
  func arguments() async throws {
    for arguments in [[], ["file:///etc/passwd"], ["-o/etc/passwd"], ["--header-file"]] {
      #expect(await bench.run("notify", arguments).ending == .exited(64))
    }
    let headers = await bench.run("notify", ["--header-file", "/no/such/file", "http://127.0.0.1:1/"])
    #expect(headers.ending == .exited(78))
    #expect(headers.text == "notify: the header file cannot be read\n")
    let dry = await bench.run(
      "notify", ["http://127.0.0.1:1/"], environment: [EnvironmentVariable("SLIPWAY_DRY_RUN", "1")])
    #expect(dry.text == "notify: dry run, nothing is sent\n")
  }
}
