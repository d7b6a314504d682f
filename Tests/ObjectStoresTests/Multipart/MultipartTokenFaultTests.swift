import ObjectStores
import SlipwayModel
import TestSupport
import Testing

@Suite("A token that expires in the middle of a multipart upload")
struct MultipartTokenFaultTests {
  private let home: TemporaryDirectory

  init() throws { home = try TemporaryDirectory() }

  /// A file of 850 parts and a profile with the session token `first`; `atPart800` runs when 799 parts are proven, and
  /// `body` puts by one connection, so that parts come in their order.
  private func with(
    atPart800: @escaping @Sendable (ScriptedS3Server) throws -> Void,
    _ body: (MultipartBench, PutContext) async throws -> Void
  ) async throws {
    let environment = ["HOME": home.path.description, "AWS_REGION": "us-east-1"]
    try await MultipartBench.with(
      size: 85_000, environment: environment,
      changing: { settings in
        settings.credentials = nil
        settings.partSize = 100
      }
    ) { bench in
      try home.write(bench.server.rotateKeys(to: "first-t0ken"), to: ".aws/credentials")
      let sample = try await PutContext.sample(permits: CountedPermits(0))
      let server = bench.server
      let journal = WatchedJournal(sample.journal) { number in if number == 799 { try atPart800(server) } }
      try await body(
        bench,
        PutContext(
          run: sample.run, destination: sample.destination, path: sample.path, attributes: sample.attributes,
          progress: sample.progress, journal: journal, permits: sample.permits))
    }
  }

  private func parts(_ bench: MultipartBench) -> [RecordedRequest] {
    bench.server.requests.filter { $0.method == "PUT" && $0.queryValue("partNumber") != nil }
  }

  /// Every part was sent once, but for the one that was refused; all belong to one upload.
  private func expectNothingTwice(_ bench: MultipartBench, refusals: Int = 1) {
    let sent = Dictionary(grouping: parts(bench)) { $0.queryValue("partNumber") }
    #expect(sent.count == 850)
    #expect(sent["800"]?.map(\.status) == [Int](repeating: 400, count: refusals) + [200])
    #expect(sent.filter { $0.key != "800" }.allSatisfy { $0.value.map(\.status) == [200] })
    #expect(Set(parts(bench).map { $0.queryValue("uploadId") }).count == 1)
    #expect(bench.count("POST", "uploads") == 1)
  }

  @Test("fault 29: at part 800 the keys are fetched anew, and the same upload goes on without a part sent twice")
  func refreshed() async throws {
    let home = home
    try await with(atPart800: { server in
      try home.write(server.rotateKeys(to: "second-t0ken"), to: ".aws/credentials")
    }) { bench, context in
      let receipt = try await bench.put(context)
      #expect(receipt.size == 85_000)
      expectNothingTwice(bench)
      let tokens = parts(bench).map { $0.header("x-amz-security-token") }
      #expect(tokens[..<800].allSatisfy { $0 == "first-t0ken" })
      #expect(tokens[800...].allSatisfy { $0 == "second-t0ken" })
      try await bench.expectDelivered(context)
    }
  }

  @Test(
    "fault 29: where there are no new keys it is told without the old ones, and the next process goes on with the upload"
  )
  func noOthers() async throws {
    try await with(atPart800: { server in
      server.change { $0.expiredTokens = ["first-t0ken"] }
    }) { bench, context in
      let failure = try #require(await #expect(throws: Failure.self) { try await bench.put(context) })
      #expect(failure.code == "ExpiredToken")
      #expect(failure.kind == .blocked)
      for secret in ["t0ken", "AKIA"] { #expect(!"\(failure.message) \(failure)".contains(secret), "\(failure)") }
      #expect(try await bench.known(context)?.parts.count == 799)
      try home.write(bench.server.rotateKeys(to: "second-t0ken"), to: ".aws/credentials")
      _ = try await bench.newStore().put(DescriptorFile(bench.path), at: bench.key, context)
      expectNothingTwice(bench)
      try await bench.expectDelivered(context)
    }
  }
}

/// A journal that tells of each part when it is proven.
private struct WatchedJournal: UploadJournal {
  private let journal: any UploadJournal
  private let proven: @Sendable (Int) throws -> Void

  init(_ journal: any UploadJournal, _ proven: @escaping @Sendable (Int) throws -> Void) {
    self.journal = journal
    self.proven = proven
  }

  func multipartUpload(
    of run: RunID, _ path: BytePath, at destination: DestinationName
  ) async throws(Failure) -> MultipartUpload? {
    try await journal.multipartUpload(of: run, path, at: destination)
  }

  func begin(_ upload: MultipartUpload) async throws(Failure) { try await journal.begin(upload) }
  func end(_ upload: MultipartUpload) async throws(Failure) { try await journal.end(upload) }
  func leave(_ upload: UnansweredUpload) async throws(Failure) { try await journal.leave(upload) }

  func prove(_ part: MultipartUpload.Part, of upload: MultipartUpload) async throws(Failure) {
    try await journal.prove(part, of: upload)
    do { try proven(part.number) } catch { Issue.record(error) }
  }
}
