import Checksums
import HTTPTransport
import ObjectStores
import S3Client
import SlipwayModel
import TestSupport
import Testing

@Suite("A file that is sent in parts")
struct MultipartPutTests {
  @Test(
    "arrives whole, whatever its size (fault 33)",
    arguments: [(1999, 0), (2000, 2), (2001, 3), (3000, 3), (3001, 4), (25_000, 25)])
  func sizes(size: Int, parts: Int) async throws {
    try await MultipartBench.with(size: size) { bench in
      let receipt = try await bench.put()
      #expect(receipt.size == Int64(size))
      #expect(bench.count("PUT", "partNumber") == parts)
      #expect(bench.count("POST", "uploads") == (parts == 0 ? 0 : 1))
      #expect(bench.context.progress.snapshot.bytes == Int64(size))
      try await bench.expectDelivered()
    }
  }

  @Test("is proven by the MD5s of its parts")
  func proof() async throws {
    try await MultipartBench.with(size: 2500) { bench in
      let receipt = try await bench.put()
      let parts = [0..<1000, 1000..<2000, 2000..<2500].map { Array(bench.content[$0]) }
      let digests = try parts.flatMap { try MessageDigest.of($0, by: .md5) }
      let whole = try MessageDigest.of(digests, by: .md5)
      #expect(receipt.checksum == Checksum(algorithm: .md5OfParts, value: whole))
      #expect(receipt.etag == hexadecimal(whole) + "-3")
    }
  }

  @Test(
    "is proven by the MD5s of its parts, however they are hashed together",
    arguments: [(190_000, 95_000), (330_000, 110_001), (800_001, 100_000), (650_000, 40_064)])
  func groups(size: Int, partSize: Int) async throws {
    try await MultipartBench.with(size: size, changing: { $0.partSize = Int64(partSize) }) { bench in
      let receipt = try await bench.put()
      let parts = stride(from: 0, to: size, by: partSize).map { bench.content[$0..<min($0 + partSize, size)] }
      let digests = try parts.flatMap { try MessageDigest.of(Array($0), by: .md5) }
      #expect(receipt.checksum?.value == (try MessageDigest.of(digests, by: .md5)))
      for (part, request) in zip(parts, bench.partRequests) {
        #expect(request.header("x-amz-content-sha256") == hexadecimal(try MessageDigest.of(Array(part), by: .sha256)))
      }
      try await bench.expectDelivered()
    }
  }

  @Test("is proven by its own CRC, put together from those of its parts", arguments: ["crc64nvme", "crc32c"])
  func cyclicProof(name: String) async throws {
    let algorithm = try #require(S3Destination.Checksum(rawValue: name))
    try await MultipartBench.with(size: 4321, changing: { $0.checksum = algorithm }) { bench in
      let receipt = try await bench.put()
      var whole = CyclicChecksum(algorithm == .crc32c ? .crc32c : .crc64nvme)
      whole.update(bench.content)
      #expect(receipt.checksum?.algorithm.rawValue == name)
      #expect(receipt.checksum?.value == whole.bytes)
      let begun = bench.server.requests.first { $0.queryValue("uploads") != nil }
      #expect(begun?.header("x-amz-checksum-type") == "FULL_OBJECT")
      try await bench.expectDelivered()
    }
  }

  @Test(
    "is proven by the SHA-256s of its parts, or by nothing where nothing is asked for", arguments: ["sha256", "none"])
  func otherProofs(name: String) async throws {
    let algorithm = try #require(S3Destination.Checksum(rawValue: name))
    try await MultipartBench.with(changing: { $0.checksum = algorithm }) { bench in
      let receipt = try await bench.put()
      #expect(receipt.checksum?.algorithm == (algorithm == .none ? nil : .sha256OfParts))
      try await bench.expectDelivered()
    }
  }

  @Test("carries its token, its size, its type and what hooks said of it")
  func fields() async throws {
    try await MultipartBench.with { bench in
      let attributes = ObjectAttributes(tags: ["team": "ci"], metadata: ["origin": "here"])
      let context = try await PutContext.sample(attributes: attributes)
      _ = try await bench.store.put(DescriptorFile(bench.path), at: ObjectKey("a.json"), context)
      let headers = try #require(bench.server.object("a.json")?.headers)
      #expect(headers.contains { $0 == ("x-amz-meta-origin", "here") })
      #expect(headers.contains { $0 == ("x-amz-tagging", "team=ci") })
      #expect(headers.contains { $0 == ("content-type", "application/json") })
      let token = try #require(headers.first { $0.name == "x-amz-meta-slipway-token" }?.value)
      _ = try await bench.store.put(DescriptorFile(bench.path), at: ObjectKey("a.json"), context)
      let next = bench.server.object("a.json")?.headers.first { $0.name == "x-amz-meta-slipway-token" }?.value
      // What the file, its run and its destination have in common; then what no other upload has.
      #expect(next != token && next?.prefix(33) == token.prefix(33))
      let completion = bench.server.requests.last { $0.method == "POST" }
      #expect(completion?.header("x-amz-mp-object-size") == "4500")
    }
  }

  @Test("is begun with an intent in the journal, and no part is sent before its ID is there")
  func order() async throws {
    let ledger = InMemoryLedger()
    try await MultipartBench.with { bench in
      let run = Run(
        id: bench.context.run, tree: TreeID(workflow: WorkflowName("w"), watch: BytePath("/w"), name: BytePath("t")),
        marker: nil, created: Timestamp(seconds: 1))
      try await ledger.commit([.run(run)])
      await ledger.onCommit { changes in
        let sent = bench.server.requests
        for change in changes {
          switch change {
          case .multipart(let upload) where upload.id == nil: #expect(sent.isEmpty)
          case .multipart: #expect(sent.count == 1)
          case .multipartEnded: #expect(bench.stored != nil)
          default: break
          }
        }
      }
      let context = PutContext(
        run: run.id, destination: DestinationName("d"), path: BytePath("file"), attributes: ObjectAttributes(),
        progress: TransferMeter(), journal: ledger, permits: bench.permits)
      _ = try await bench.store.put(DescriptorFile(bench.path), at: bench.key, context)
      #expect(await ledger.commits.count == 1 + 2 + 5 + 1)
    }
  }

  @Test("is not sent where no number of parts suffices")
  func tooLarge() async throws {
    #expect(PartPlan(size: 10_000 * (5 << 30), wishedPartSize: 1)?.partSize == 5 << 30)
    #expect(PartPlan(size: 10_000 * (5 << 30) + 1, wishedPartSize: 1) == nil)
    #expect(PartPlan(size: .max, wishedPartSize: .max) == nil)
  }

  @Test("has parts that grow so that 10,000 suffice (fault 33)")
  func growth() throws {
    for size: Int64 in [1, 16 << 20, 10_000 * (16 << 20), 10_000 * (16 << 20) + 1, 1 << 40, 5 << 40] {
      let plan = try #require(PartPlan(size: size, wishedPartSize: 16 << 20))
      #expect(plan.count <= 10_000)
      #expect(plan.partSize >= 16 << 20)
      #expect(plan.range(of: 1).lowerBound == 0)
      #expect(plan.range(of: plan.count).upperBound == size)
      #expect(!plan.range(of: plan.count).isEmpty)
    }
    #expect(PartPlan(size: 10_000 * (16 << 20), wishedPartSize: 16 << 20)?.partSize == 16 << 20)
    #expect(PartPlan(size: 10_000 * (16 << 20) + 1, wishedPartSize: 16 << 20)?.partSize == 17 << 20)
  }

  @Test("is sent by more than one connection at once, but by no more than there are places")
  func lanes() async throws {
    for places in [0, 3] {
      try await MultipartBench.with(size: 40_000) { bench in
        let permits = CountedPermits(places)
        let context = try await PutContext.sample(permits: permits)
        _ = try await bench.store.put(DescriptorFile(bench.path), at: bench.key, context)
        let connections = Set(
          bench.server.requests.filter { $0.queryValue("partNumber") != nil }.map(\.connection))
        #expect(connections.count <= places + 1)
        #expect(permits.count == places)
        #expect(bench.stored == bench.content)
      }
    }
  }

  @Test("leaves nothing behind when it is abandoned, also twice, and the object stays what it is")
  func abandon() async throws {
    try await MultipartBench.with(rules: [
      .multipart("PUT", "partNumber", 3...99, .answer(status: 403, code: "AccessDenied"))
    ]) { bench in
      bench.server.place(bench.key.description, content: [7])
      await #expect(throws: Failure.self) { try await bench.put() }
      let upload = try #require(try await bench.known())
      #expect(bench.server.openUploads.count == 1)
      try await bench.store.abandon(upload)
      try await bench.store.abandon(upload)
      #expect(bench.server.openUploads.isEmpty)
      #expect(bench.stored == [7])
    }
  }
}
