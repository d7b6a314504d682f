import Foundation
import SlipwayModel
import Testing

@testable import TestSupport

@Suite("The test server's own arithmetic")
struct TestServerArithmeticTests {
  @Test("SHA-256 is that of FIPS 180-4")
  func sha256() {
    #expect(
      hexadecimal(Digests.sha256([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      hexadecimal(Digests.sha256(Array("abc".utf8)))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      hexadecimal(Digests.sha256(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      hexadecimal(Digests.sha256([UInt8](repeating: 0x61, count: 1_000_000)))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("MD5 is that of RFC 1321")
  func md5() {
    #expect(hexadecimal(Digests.md5([])) == "d41d8cd98f00b204e9800998ecf8427e")
    #expect(
      hexadecimal(
        Digests.md5(Array("12345678901234567890123456789012345678901234567890123456789012345678901234567890".utf8)))
        == "57edf4a22be3c955ac49da2e2107b67a")
  }

  @Test("HMAC is that of RFC 4231, cases 2 and 6")
  func hmac() {
    #expect(
      hexadecimal(Digests.hmac(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      hexadecimal(
        Digests.hmac(
          key: [UInt8](repeating: 0xAA, count: 131),
          Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test("Base64 goes both ways, and takes nothing else")
  func base64() {
    for count in 0...7 {
      let bytes = (0..<count).map { UInt8($0 * 37) }
      #expect(Base64.encoded(bytes) == Data(bytes).base64EncodedString())
      #expect(Base64.decoded(Base64.encoded(bytes)) == bytes)
    }
    for text in ["A", "AA", "AAA", "AA=A", "AB==", "A A=", "=AAA"] { #expect(Base64.decoded(text) == nil) }
  }
}

@Suite("The test server, as boto3 sees it")
struct ScriptedS3ServerTests {
  private let key = Array("a b/ü+%?#\u{1F6A2}".utf8)

  private func reader(_ server: ScriptedS3Server, secret: String? = nil, id: String? = nil) -> S3Reader {
    S3Reader(
      endpoint: server.endpoint, accessKeyID: id ?? server.keys.accessKeyID,
      secretAccessKey: secret ?? server.keys.secretAccessKey)
  }

  private func cause(_ body: () async throws -> Void) async -> String {
    do {
      try await body()
      return "nothing was thrown"
    } catch {
      return (error as? Failure)?.cause ?? "\(error)"
    }
  }

  private func expect(_ text: String, _ body: () async throws -> Void) async {
    let said = await cause(body)
    #expect(said.contains(text), "\(said)")
  }

  @Test("What was put is listed and read back, and gone when deleted")
  func roundTrip() async throws {
    try await ScriptedS3Server.with { server in
      let reader = reader(server)
      try await reader.put("bucket", key, Array("content".utf8))
      let etag = hexadecimal(Digests.md5(Array("content".utf8)))
      #expect(try await reader.list("bucket") == [S3Reader.Object(key: key, size: 7, etag: etag)])
      let content = try await reader.get("bucket", key)
      #expect(content.bytes == Array("content".utf8) && content.etag == etag && content.metadata == ["from": "boto3"])
      try await reader.delete("bucket", key)
      #expect(try await reader.keys("bucket") == [])
      #expect(server.requests.map(\.method) == ["PUT", "GET", "GET", "DELETE", "GET"])
      #expect(server.requests[0].key == key)
      #expect(server.requests[0].body == Array("content".utf8))
      #expect(server.requests.allSatisfy { $0.status == 200 || $0.status == 204 })
    }
  }

  @Test("Listings come in pages, in byte order")
  func pages() async throws {
    try await ScriptedS3Server.with { server in
      let names = (0..<1234).map { Array("p/\($0)".utf8) } + [Array("q".utf8)]
      server.update { state in
        for name in names { state.shelf.place(name, in: "bucket") }
      }
      let listed = try await reader(server).keys("bucket", prefix: "p/")
      #expect(listed == names.filter { $0.starts(with: Array("p/".utf8)) }.sorted { $0.precedes($1) })
      #expect(server.requests.count == 2)
    }
  }

  @Test("Wrong keys, wrong times and wrong regions are refused as S3 does")
  func refusals() async throws {
    try await ScriptedS3Server.with { server in
      await expect("SignatureDoesNotMatch") { try await reader(server, secret: "x").makeBucket("b") }
      await expect("InvalidAccessKeyId") { try await reader(server, id: "x").makeBucket("b") }
      server.change { $0.clockOffset = .seconds(1200) }
      await expect("RequestTimeTooSkewed") { try await reader(server).makeBucket("b") }
      server.change {
        $0.clockOffset = .zero
        $0.region = "eu-west-1"
      }
      // boto3 reads the region from the error, and signs anew.
      try await reader(server).makeBucket("b")
      #expect(server.requests.suffix(2).map(\.status) == [400, 200])
      server.change { $0.region = "us-east-1" }
      await expect("NoSuchBucket") { _ = try await reader(server).get("none", key) }
      await expect("NoSuchKey") { _ = try await reader(server).get("bucket", key) }
    }
  }

  @Test("A fault happens to the request that it names, and to no other")
  func faults() async throws {
    let rules = [
      FaultRule(.init(method: "PUT", keyPrefix: "a", occurrences: 2...2), .answer(status: 403, code: "AccessDenied")),
      FaultRule.first("GET", "a", .reset(.afterEffect)),
      FaultRule.first("DELETE", "", .reset(.beforeEffect)),
    ]
    try await ScriptedS3Server.with(rules: rules) { server in
      let reader = reader(server)
      for name in ["a", "b", "a2", "a3"] {
        let said = await cause { try await reader.put("bucket", Array(name.utf8), [1]) }
        #expect(said.contains(name == "a2" ? "AccessDenied" : "nothing was thrown"), "\(name): \(said)")
      }
      #expect(server.keys() == ["a", "a3", "b"].map { Array($0.utf8) })
      await expect("ConnectionClosedError") { _ = try await reader.get("bucket", Array("a".utf8)) }
      _ = try await reader.get("bucket", Array("a".utf8))
      await expect("ConnectionClosedError") { _ = try await reader.delete("bucket", Array("a".utf8)) }
      #expect(server.object("a") != nil)
    }
  }

  @Test("A lost answer had its effect, a corrupted object is not what was sent")
  func effects() async throws {
    let rules = [
      FaultRule.first("PUT", "lost", .reset(.afterEffect)), FaultRule.first("PUT", "bad", .corrupt),
      FaultRule.first("PUT", "html", .html(status: 200)), FaultRule.first("PUT", "etag", .wrongETag("0")),
      FaultRule.first("PUT", "slow", .delay(.milliseconds(10))), FaultRule.first("GET", "lost", .cutAnswer),
    ]
    try await ScriptedS3Server.with(rules: rules) { server in
      let reader = reader(server)
      await expect("ConnectionClosedError") { try await reader.put("bucket", Array("lost".utf8), [1, 2]) }
      #expect(server.object("lost")?.content == [1, 2])
      for name in ["bad", "html", "etag", "slow"] { try await reader.put("bucket", Array(name.utf8), [1, 2]) }
      #expect(server.object("bad")?.content == [1, 3])
      #expect(server.object("html")?.content == [1, 2])
      await expect("IncompleteRead") { _ = try await reader.get("bucket", Array("lost".utf8)) }
    }
  }

  @Test("Whoever waits for a request is told when it comes, and when it does not")
  func waiting() async throws {
    try await ScriptedS3Server.with(rules: [.first("PUT", "", .stall(.beforeEffect))]) { server in
      let reader = reader(server)
      async let put = Task { await cause { try await reader.put("bucket", Array("x".utf8), [1]) } }.value
      #expect(await server.wait { $0.requests.contains { $0.method == "PUT" && $0.body == [1] } })
      #expect(await !server.wait(upTo: .milliseconds(1)) { $0.object("x") != nil })
      server.stop()
      let said = await put
      #expect(said.contains("ConnectionClosedError"), "\(said)")
    }
  }

  @Test("A body in chunks is read, and a payload that is not signed is refused")
  func rawRequests() async throws {
    try await ScriptedS3Server.with { server in
      let head = "PUT /bucket/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      let answer = try await raw(server, head + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 403 Forbidden") && answer.contains("<Code>AccessDenied</Code>"))
      #expect(server.requests.first?.body == Array("abcde".utf8))
      #expect(try await raw(server, "nonsense\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    }
  }

  private func raw(_ server: ScriptedS3Server, _ text: String) async throws -> String {
    let program = try Program(
      Program.Launch([
        "/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$1; printf %s \"$2\" >&3; cat <&3", "bash", "\(server.port)",
        text,
      ]))
    _ = await program.end(upTo: .seconds(20))
    return program.lines(.output).joined(separator: "\n")
  }
}

@Suite("Programs under test")
struct ProgramTests {
  private func shell(_ script: String) throws -> Program {
    try Program(Program.Launch(["/bin/sh", "-c", script], environment: ["A": "b"], directory: "/usr"))
  }

  @Test("Lines of both streams are told apart, the last one needs no newline")
  func lines() async throws {
    let program = try shell("echo one; echo $A >&2; pwd; printf end")
    #expect(await program.end() == .exited(0))
    #expect(program.lines(.output) == ["one", "/usr", "end"])
    #expect(program.lines(.errors) == ["b"])
  }

  @Test("A line is waited for, and a signal ends what runs on")
  func signals() async throws {
    let program = try shell("trap 'echo caught; exit 7' TERM; echo up; while :; do read x; sleep 0.01; done")
    #expect(await program.line(containing: "up") == "up")
    program.signal(SIGTERM)
    #expect(await program.end() == .exited(7))
    #expect(program.lines().contains("caught"))
    program.signal(SIGKILL)
  }

  @Test("A line that never comes is not waited for beyond the end")
  func noLine() async throws {
    #expect(try await shell("echo up").line(containing: "down") == nil)
  }

  @Test("Destroying ends a program with its group")
  func destroy() async throws {
    let program = try shell("sleep 1000 & echo up; wait")
    _ = await program.line(containing: "up")
    await program.destroy()
    #expect(await program.end() == .signalled(SIGKILL))
    await program.destroy()
  }
}
