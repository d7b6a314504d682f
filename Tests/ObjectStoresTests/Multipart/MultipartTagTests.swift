import ObjectStores
import SlipwayModel
import TestSupport
import Testing

/// A server that forgets the tags with which an upload was begun.
@Suite("The tags of a file in parts")
struct MultipartTagTests {
  private static let tagging = "tagging"

  private func with(
    _ kind: S3ServerKind? = .ceph, rules: [FaultRule] = [], tags: [String: String] = ["team": "a b&c"],
    _ body: (MultipartBench) async throws -> Void
  ) async throws {
    try await MultipartBench.with(rules: rules) { settings in
      settings.server = kind
      settings.tags = tags
    } _: { bench in
      bench.server.forgetTagsOfParts()
      try await body(bench)
    }
  }

  private func tags(_ bench: MultipartBench) -> String? {
    bench.server.object(bench.key.description)?.headers.first { $0.name == "x-amz-tagging" }?.value
  }

  @Test("are put when the object is there, and only where the server is known to forget them")
  func put() async throws {
    try await with { bench in
      _ = try await bench.put()
      #expect(tags(bench) == "team=a%20b%26c")
      #expect(bench.count("PUT", Self.tagging) == 1)
      try await bench.expectDelivered()
    }
    try await with(nil) { bench in
      _ = try await bench.put()
      #expect(bench.count("PUT", Self.tagging) == 0)
    }
    try await with(tags: [:]) { bench in
      _ = try await bench.put()
      #expect(bench.count("PUT", Self.tagging) == 0)
    }
  }

  @Test("are put by the next attempt where the first could not")
  func refused() async throws {
    try await with(rules: [.multipart("PUT", Self.tagging, 1...99, .answer(status: 403, code: "AccessDenied"))]) {
      bench in
      let failure = await #expect(throws: Failure.self) { try await bench.put() }
      #expect(failure?.message.hasPrefix("cannot tag ") == true, "\(failure?.message ?? "")")
      // It is not over as long as they lack.
      #expect(try await bench.known()?.parts.count == 5)
      bench.server.removeRules()
      _ = try await bench.put()
      #expect(tags(bench) == "team=a%20b%26c")
      #expect(bench.count("PUT", "partNumber") == 5 && bench.count("POST", "uploads") == 1)
      try await bench.expectDelivered()
    }
  }

  @Test("are put where the answer to the completion was lost and the object is known by its token")
  func lostAnswer() async throws {
    try await with(rules: [.multipart("POST", "uploadId", 1...99, .reset(.afterEffect))]) { bench in
      _ = try await bench.put()
      #expect(tags(bench) == "team=a%20b%26c")
      try await bench.expectDelivered()
    }
  }

  @Test("are put by the next process where the one before died between completion and tags")
  func nextProcess() async throws {
    try await with { bench in
      bench.server.add(.multipart("PUT", Self.tagging, 1...99, .reset(.beforeBody)))
      await #expect(throws: Failure.self) { try await bench.put() }
      bench.server.removeRules()
      let receipt = try await bench.newStore().put(DescriptorFile(bench.path), at: bench.key, bench.context)
      #expect(receipt.isSent && tags(bench) == "team=a%20b%26c")
      #expect(bench.count("POST", "uploads") == 1)
      try await bench.expectDelivered()
    }
  }

  @Test("are put where overwrite: never finds the object by our token")
  func found() async throws {
    try await MultipartBench.with(rules: [.multipart("POST", "uploadId", 1...99, .reset(.afterEffect))]) { settings in
      settings.server = .ceph
      settings.tags = ["k": "v"]
      settings.overwrite = .never
    } _: { bench in
      bench.server.forgetTagsOfParts()
      _ = try await bench.put()
      #expect(tags(bench) == "k=v")
      try await bench.expectDelivered()
    }
  }
}
