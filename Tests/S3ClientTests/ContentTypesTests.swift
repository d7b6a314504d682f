import SlipwayModel
import Testing

@testable import S3Client

@Suite struct ContentTypesTests {
  @Test(
    "The extension of the last component tells the type, in capitals too",
    arguments: [
      ("index.html", "text/html"), ("a/b.d/SITE.CSS", "text/css"), ("x.tar.gz", "application/gzip"),
      ("a..json", "application/json"), ("é/ü.Png", "image/png"), ("app.webmanifest", "application/manifest+json"),
      ("lib.so", ContentTypes.unknown), ("README", ContentTypes.unknown), ("a.json/b", ContentTypes.unknown),
      (".json", ContentTypes.unknown), ("a/.json", ContentTypes.unknown), ("a.", ContentTypes.unknown),
      ("", ContentTypes.unknown), ("a/", ContentTypes.unknown), ("a.jsonjsonjsonjson", ContentTypes.unknown),
    ])
  func types(key: String, type: String) {
    #expect(ContentTypes.type(of: ObjectKey(key)) == type)
  }

  @Test("An extension that is not UTF-8 is an unknown one")
  func bytes() {
    #expect(ContentTypes.type(of: ObjectKey([0x61, 0x2E, 0xFF])) == ContentTypes.unknown)
  }

  @Test("Every row can be found and sent: a lowercase extension, a type of two tokens")
  func table() {
    for (name, type) in ContentTypes.byExtension {
      #expect(ContentTypes.type(of: ObjectKey("x." + name)) == type)
      let isPlain = type.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "/.+-".utf8.contains($0)
      }
      #expect(isPlain && type.split(separator: "/", omittingEmptySubsequences: false).count == 2, "\(name)")
    }
  }

  @Test("A PUT carries it")
  func put() async throws {
    let transport = ScriptedTransport(.answer(200, ["ETag: \"x\""]))
    let client = try client(transport) { $0.checksum = .none }
    _ = try await client.putObject(ObjectKey("reports/today.json"), [0x7B, 0x7D])
    #expect(transport.requests[0].value("content-type") == "application/json")
  }
}
