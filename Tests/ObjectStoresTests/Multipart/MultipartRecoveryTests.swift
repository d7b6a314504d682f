import ObjectStores
import S3Client
import SlipwayModel
import TestSupport
import Testing

/// What an attempt makes of what the one before it has left.
@Suite("A file in parts, taken up again")
struct MultipartRecoveryTests {
  @Test("fault 7: a damaged object is not taken for delivered, neither at once nor by the next attempt")
  func damaged() async throws {
    let damage = FaultRule.every("HEAD", "", .wrongETag("00000000000000000000000000000000-5"))
    try await MultipartBench.with(rules: [.multipart("POST", "uploadId", .html(status: 200)), damage]) { bench in
      await #expect(throws: Failure.self) { try await bench.put() }
      _ = try await bench.put()
      #expect(bench.count("POST", "uploads") == 2)
      #expect(bench.count("PUT", "partNumber") == 10)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 7: a completion that answers another ETag is over, and the file is sent again")
  func wrongCompletion() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", .wrongETag("00000000000000000000000000000000-5"))
    ]) { bench in
      let failure = await #expect(throws: Failure.self) { try await bench.put() }
      #expect(failure?.code == "StoredOtherBytes")
      let known = try await bench.known()
      #expect(known == nil)
      _ = try await bench.put()
      #expect(bench.count("POST", "uploads") == 2)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 3: that an upload is over is not believed before its object could be looked at")
  func unseen() async throws {
    let lost = FaultRule.multipart(
      "POST", "uploadId", 1...2, .answerAfterEffect(status: 404, code: "NoSuchUpload"))
    let refused = FaultRule.first("HEAD", "", .answer(status: 403, code: "AccessDenied"))
    try await MultipartBench.with(rules: [lost, refused]) { bench in
      await #expect(throws: Failure.self) { try await bench.put() }
      _ = try await bench.put()
      #expect(bench.count("PUT", "partNumber") == 5)
      try await bench.expectDelivered()
    }
  }

  @Test("parts that were proven by another checksum than the destination asks for now are not mixed with new ones")
  func otherChecksum() async throws {
    try await MultipartFaultTests.interrupted(at: 4) { bench, one, held in
      let other = MultipartUpload.Part(number: 1, etag: held.parts[0].etag, checksum: [UInt8](repeating: 1, count: 8))
      try await one.journal.prove(other, of: held)
      let receipt = try await bench.put(one)
      #expect(bench.count("POST", "uploads") == 2)
      #expect(receipt.checksum?.algorithm == .md5OfParts)
      try await bench.expectDelivered()
    }
  }

  @Test("credentials that may not list parts go on with what the journal has")
  func mayNotList() async throws {
    try await MultipartFaultTests.interrupted(at: 4) { bench, one, _ in
      bench.server.add(.multipart("GET", "uploadId", 1...99, .answer(status: 403, code: "AccessDenied")))
      _ = try await bench.put(one)
      #expect(bench.count("PUT", "partNumber") == 4 + 2)
      #expect(bench.count("POST", "uploads") == 1)
      try await bench.expectDelivered()
    }
  }

  @Test("a proven part that the server has lost asks for another upload")
  func lostPart() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", .answer(status: 400, code: "InvalidPart"))
    ]) { bench in
      _ = try await bench.put()
      #expect(bench.count("POST", "uploads") == 2)
      try await bench.expectDelivered()
    }
  }

  @Test("credentials that may not list uploads lose no ID for it")
  func mayNotListUploads() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploads", .reset(.afterEffect)),
      .multipart("GET", "uploads", 1...99, .answer(status: 403, code: "AccessDenied")),
    ]) { bench in
      _ = try await bench.put()
      #expect(bench.stored == bench.content)
      #expect(bench.count("PUT", "partNumber") == 5)
      // The one whose answer was lost: nobody may find it.
      let failure = await #expect(throws: Failure.self) { try await bench.sweep() }
      #expect(failure?.code == "AccessDenied")
      #expect(bench.server.openUploads.count == 1)
    }
  }

  @Test(
    "with overwrite never, our own object is delivered, although nothing was written down of it",
    arguments: [S3Destination.Checksum.md5, .sha256, .none])
  func ownObject(_ checksum: S3Destination.Checksum) async throws {
    let settings = { @Sendable (settings: inout S3Destination) in
      settings.overwrite = .never
      settings.checksum = checksum
    }
    try await MultipartBench.with(changing: settings) { bench in
      let first = try await bench.put()
      let second = try await bench.put()
      #expect(second.etag == first.etag && second.isSent)
      #expect(bench.count("PUT", "partNumber") == 5)
      let stranger = try await PutContext.sample(run: 2)
      if checksum == .none {
        let failure = await #expect(throws: Failure.self) { try await bench.put(stranger) }
        #expect(failure?.code == "ObjectExists")
      }
    }
  }

  @Test("one lane waits for its turn before each further part, so that others come between")
  func turns() async throws {
    try await MultipartBench.with { bench in
      let permits = CountedPermits(0)
      _ = try await bench.put(PutContext.sample(permits: permits))
      #expect(permits.acquisitions == 4)
      #expect(permits.count == 0)
    }
  }
}
