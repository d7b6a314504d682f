import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("Deleting many objects") struct DeletingTests {
  @Test("Keys go by 1,000 a request, those that XML cannot carry alone, and nothing is left")
  func batches() async throws {
    try await ScriptedS3Server.with { server in
      let odd = ["a&b<c>\"d'", "tab\t", "line\nfeed", "return\r", "e\u{301}", "\u{E9}", "\u{7F}", "]]>"]
      let single = ["\u{1}", "a\u{1F}b", "\u{FFFE}"]
      let keys = odd + single + (0..<2000).map { "n/\($0)" }
      for key in keys + ["stays"] { server.place(key, content: []) }
      let client = try client(of: server)
      let failures = try await client.deleteObjects(keys.map { ObjectKey($0) } + [ObjectKey("absent")])
      #expect(failures == [])
      #expect(server.keys() == [Array("stays".utf8)])
      #expect(server.requests.filter { $0.method == "POST" }.count == 3)
      #expect(server.requests.filter { $0.method == "DELETE" }.count == single.count)
    }
  }

  @Test("Nothing to delete is no request, and a key twice is one")
  func none() async throws {
    try await ScriptedS3Server.with { server in
      let client = try client(of: server)
      #expect(try await client.deleteObjects([]) == [])
      #expect(server.requests.isEmpty)
      #expect(try await client.deleteObjects([ObjectKey("a"), ObjectKey("a")]) == [])
      #expect(server.requests.count == 1)
    }
  }

  @Test("What could not be deleted is told by its key, and all else is gone")
  func failures() async throws {
    try await ScriptedS3Server.with { server in
      for key in ["a", "b&", "c"] { server.place(key, content: []) }
      server.protect("b&")
      let client = try client(of: server)
      let failures = try await client.deleteObjects([
        ObjectKey("a"), ObjectKey("b&"), ObjectKey([0xFF]), ObjectKey("c"),
      ])
      #expect(failures.map(\.key) == [ObjectKey([0xFF]), ObjectKey("b&")])
      #expect(failures.map(\.failure.kind) == [.permanent, .blocked])
      #expect(failures.map(\.failure.code) == ["InvalidKey", "AccessDenied"])
      #expect(
        failures[1].failure.message.hasPrefix(
          "cannot delete s3://bucket/b&: the server answered 200 AccessDenied: Access Denied"))
      #expect(server.keys() == [Array("b&".utf8)])
    }
  }

  @Test(
    "An answer that is no DeleteResult is an error, however good its status",
    arguments: [
      "", "<html></html>", "<DeleteResult>",
      "<DeleteResult><Error><Key>other</Key><Code>X</Code></Error></DeleteResult>",
    ])
  func hostile(body: String) async throws {
    let client = try client(ScriptedTransport(.answer(200, [], body)))
    let error = await #expect(throws: S3Error.self) { try await client.deleteObjects([ObjectKey("k")]) }
    #expect(error?.code == "InvalidAnswer")
    #expect(error?.kind == .transient(retryAfter: nil))
  }

  @Test("The request proves its body by the destination's checksum, or by Content-MD5")
  func proof() async throws {
    for (checksum, name) in [
      (S3Destination.Checksum.auto, "content-md5"), (.none, "content-md5"), (.crc32c, "x-amz-checksum-crc32c"),
      (.crc64nvme, "x-amz-checksum-crc64nvme"), (.sha256, "x-amz-checksum-sha256"),
    ] {
      try await ScriptedS3Server.with { server in
        server.place("k", content: [])
        let client = try client(of: server) { $0.checksum = checksum }
        #expect(try await client.deleteObjects([ObjectKey("k")]) == [])
        #expect(server.requests[0].header(name) != nil)
        #expect(server.keys() == [])
      }
    }
  }
}
