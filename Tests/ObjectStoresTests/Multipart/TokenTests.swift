import ObjectStores
import SlipwayModel
import TestSupport
import Testing

@Suite("The token of an object that is sent in parts")
struct TokenTests {
  @Test("finds the room that is kept for it in the metadata")
  func size() async throws {
    try await MultipartBench.with { bench in
      _ = try await bench.put()
      let headers = try #require(bench.server.object(bench.key.description)?.headers)
      let token = try #require(headers.first { $0.name == "x-amz-meta-\(AttributeLimits.tokenName)" }?.value)
      #expect(AttributeLimits.tokenName.utf8.count + token.utf8.count <= AttributeLimits.tokenEntry)
    }
  }
}
