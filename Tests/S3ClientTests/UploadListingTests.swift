import HTTPTransport
import SlipwayModel
import TestSupport
import Testing

@testable import S3Client

@Suite("Listings of unfinished uploads") struct UploadListingTests {
  private func document(_ keys: [String], encoding: String = "", next: String? = nil) -> String {
    let rest = next.map { "<NextKeyMarker>\($0)</NextKeyMarker><NextUploadIdMarker>i</NextUploadIdMarker>" } ?? ""
    let uploads = keys.map {
      "<Upload><Key>\($0)</Key><UploadId>i</UploadId><Initiated>2013-05-24T00:00:00.000Z</Initiated></Upload>"
    }
    return "<ListMultipartUploadsResult>\(encoding)<IsTruncated>\(next != nil)</IsTruncated>\(rest)"
      + uploads.joined() + "</ListMultipartUploadsResult>"
  }

  private func uploads(_ client: S3Client, prefix: String = "") async throws(S3Error) -> [ListedUpload] {
    var found: [ListedUpload] = []
    try await client.listMultipartUploads(prefix: Array(prefix.utf8)) { page in
      found += page
      return true
    }
    return found
  }

  @Test("A key comes back as it was begun, so that ending it ends it, and nothing else")
  func keys() async throws {
    try await ScriptedS3Server.with { server in
      let client = try client(of: server)
      let keys = ["a b+c", "a+b", "a+b c%20", "a/\u{E9}\u{1}"].map { ObjectKey($0) }
      for key in keys {
        _ = try await client.createMultipartUpload(key, token: "t", attributes: ObjectAttributes()) {}
      }
      let found = try await uploads(client, prefix: "a")
      #expect(found.map(\.key) == keys)
      for upload in found { try await client.abortMultipartUpload(upload.key, upload.id) }
      #expect(server.openUploads.isEmpty)
    }
  }

  @Test("An encoding is believed where it is told; Ceph encodes without a word, others do not encode at all")
  func encodings() async throws {
    let url = "<EncodingType>url</EncodingType>"
    let told = ScriptedTransport(.answer(200, [], document(["a+b%2B", "100%25"], encoding: url)))
    #expect(try await uploads(client(told)).map(\.key) == [ObjectKey("a b+"), ObjectKey("100%")])
    let silent = ScriptedTransport(.answer(200, [], document(["a%20b%2B", "a+b", "100%"])))
    #expect(try await uploads(client(silent)).map(\.key) == [ObjectKey("a b+"), ObjectKey("a+b"), ObjectKey("100%")])
  }

  @Test("A marker goes back as it was meant")
  func markers() async throws {
    let encoded = ScriptedTransport(
      .answer(200, [], document(["a"], encoding: "<EncodingType>url</EncodingType>", next: "a+b%2B")),
      .answer(200, [], document(["b"])))
    _ = try await uploads(client(encoded))
    #expect(encoded.requests[1].url.contains("key-marker=a%20b%2B&"))
    let plain = ScriptedTransport(
      .answer(200, [], document(["a"], next: "50%41+")), .answer(200, [], document(["b"])))
    _ = try await uploads(client(plain))
    #expect(plain.requests[1].url.contains("key-marker=50%2541%2B&"))
  }

  @Test("A server that leads round in a circle is an error", arguments: [1, 2, 3, 7])
  func circle(length: Int) async throws {
    let transport = AnsweringTransport { _, earlier in
      .answer(200, [], document([], next: "k\(earlier.count % length)"))
    }
    let error = await #expect(throws: S3Error.self) { try await uploads(client(transport)) }
    #expect(error?.code == "InvalidAnswer")
    #expect(transport.requests.count <= 3 * length + 2)
  }

  @Test("Markers may descend, as Ceph's do")
  func descending() async throws {
    let transport = ScriptedTransport(
      .answer(200, [], document(["a-b"], next: "a-b")), .answer(200, [], document(["a"], next: "a")),
      .answer(200, [], document(["a/b"])))
    let keys = try await uploads(client(transport), prefix: "a").map(\.key.description)
    #expect(keys == ["a-b", "a", "a/b"])
  }

  @Test("Pages without end end in an error")
  func endless() async throws {
    let transport = AnsweringTransport { request, _ in
      .answer(
        200, [], document([], next: request.url.contains("key-marker=") ? "\(UInt64.random(in: 0 ... .max))" : "k"))
    }
    let error = await #expect(throws: S3Error.self) { try await uploads(client(transport)) }
    #expect(error?.code == "InvalidListing")
    #expect(transport.requests.count == 1000)
  }

  @Test("An upload that nobody asked for is not told")
  func foreign() async throws {
    let transport = ScriptedTransport(.answer(200, [], document(["elsewhere"])))
    let error = await #expect(throws: S3Error.self) { try await uploads(client(transport), prefix: "pre/") }
    #expect(error?.code == "InvalidAnswer")
  }
}
