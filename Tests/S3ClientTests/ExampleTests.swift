import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("The documentation's example") struct ExampleTests {
  @Test("is the code that is compiled here")
  func text() throws {
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let example = try String(contentsOf: here.appending(path: "Examples/Publishing.swift"), encoding: .utf8)
    let page = here.deletingLastPathComponent().deletingLastPathComponent().appending(
      path: "Sources/S3Client/Documentation.docc/Using-the-client.md")
    let blocks = try String(contentsOf: page, encoding: .utf8).split(separator: "```swift\n").dropFirst()
    #expect(blocks.map { $0.prefix(upTo: $0.range(of: "```")?.lowerBound ?? $0.endIndex) } == [example[...]])
  }

  @Test("does what it says")
  func run() async throws {
    var settings = ScriptedS3Server.Settings()
    settings.buckets = ["releases"]
    try await ScriptedS3Server.with(settings) { server in
      server.place("staging/a b", in: "releases", content: [1])
      server.place("private", in: "releases", content: [2])
      let environment = [
        "AWS_ACCESS_KEY_ID": server.keys.accessKeyID, "AWS_SECRET_ACCESS_KEY": server.keys.secretAccessKey,
      ]
      let count = try await publish(at: server.endpoint, in: "us-east-1", environment: environment)
      #expect(count == 2)
      #expect(
        server.keys(in: "releases").map { String(decoding: $0, as: UTF8.self) }
          == ["private", "public/a b", "public/notes.txt"])
    }
  }
}
