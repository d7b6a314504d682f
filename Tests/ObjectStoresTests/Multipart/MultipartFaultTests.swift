import Glibc
import ObjectStores
import S3Client
import SlipwayModel
import TestSupport
import Testing

@Suite("Faults of a multipart upload")
struct MultipartFaultTests {
  @Test("fault 1: an error in a completion's 200 is no success: it is completed again")
  func errorIn200() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", .errorIn200(code: "InternalError"))
    ]) { bench in
      _ = try await bench.put()
      #expect(bench.count("POST", "uploadId") == 2)
      #expect(bench.count("POST", "uploads") == 1)
      try await bench.expectDelivered()
    }
  }

  @Test(
    "fault 2: a completion's truncated answer, or a proxy's page, is settled by a HEAD",
    arguments: [FaultRule.Action.truncatedBody, .html(status: 200)])
  func oddAnswer(_ action: FaultRule.Action) async throws {
    try await MultipartBench.with(rules: [.multipart("POST", "uploadId", action)]) { bench in
      let receipt = try await bench.put()
      #expect(receipt.etag == bench.server.object(bench.key.description)?.etag)
      #expect(bench.count("POST", "uploadId") == 1)
      #expect(bench.server.requests.last?.method == "HEAD")
      try await bench.expectDelivered()
    }
  }

  @Test("fault 2: an answer that nobody can understand, with no effect, is no success; the next attempt completes")
  func oddAnswerWithoutEffect() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", .answer(status: 200, code: ""))
    ]) { bench in
      let failure = await #expect(throws: Failure.self) { try await bench.put() }
      #expect(failure?.kind == .transient(retryAfter: nil))
      #expect(bench.stored == nil)
      _ = try await bench.put()
      #expect(bench.count("PUT", "partNumber") == 5)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 3: a completion whose answer was lost is done, once")
  func lostCompletion() async throws {
    try await MultipartBench.with(rules: [.multipart("POST", "uploadId", .reset(.afterEffect))]) { bench in
      _ = try await bench.put()
      #expect(bench.count("POST", "uploads") == 1)
      #expect(bench.count("PUT", "partNumber") == 5)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 4: another writer's object is not taken for ours")
  func anotherWriter() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", .answer(status: 404, code: "NoSuchUpload"))
    ]) { bench in
      bench.server.place(bench.key.description, content: bench.content)
      _ = try await bench.put()
      #expect(bench.count("POST", "uploads") == 2)
      #expect(bench.server.object(bench.key.description)?.etag.hasSuffix("-5") == true)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 6: a conflict at the completion asks for another upload")
  func conflict() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", .answer(status: 409, code: "ConditionalRequestConflict"))
    ]) { bench in
      _ = try await bench.put()
      #expect(bench.count("POST", "uploads") == 2)
      #expect(bench.count("POST", "uploadId") == 2)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 7: a part of which the server stored other bytes is sent again")
  func corruption() async throws {
    try await MultipartBench.with(rules: [.multipart("PUT", "partNumber", 2...2, .corrupt)]) { bench in
      await #expect(throws: Failure.self) { try await bench.put() }
      _ = try await bench.put()
      #expect(bench.count("PUT", "partNumber") == 6)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 8: a file that changes meanwhile is not completed, and its parts are given up")
  func sourceChanged() async throws {
    try await MultipartBench.with { bench in
      let other = [UInt8](repeating: 0, count: bench.content.count)
      let file = ChangingFile(try DescriptorFile(bench.path)) {
        _ = try? bench.directory.write(other, to: BytePath("file"))  // Shows in what the test expects.
      }
      let failure = await #expect(throws: Failure.self) {
        try await bench.store.put(file, at: bench.key, bench.context)
      }
      #expect(failure?.code == Failure.sourceChanged)
      #expect(bench.stored == nil)
      #expect(bench.server.openUploads.isEmpty)
      _ = try await bench.put()
      #expect(bench.stored == other)
    }
  }

  @Test("fault 8: of a file that has become shorter no part is sent that was to be hashed with the missing ones")
  func sourceShrunk() async throws {
    try await MultipartBench.with { bench in
      let file = try DescriptorFile(bench.path)
      try #require(truncate(bench.path.description, 3500) == 0)
      let failure = await #expect(throws: Failure.self) {
        try await bench.store.put(file, at: bench.key, bench.context)
      }
      #expect(failure?.code == Failure.sourceChanged)
      #expect(bench.count("PUT", "partNumber") == 0)
      #expect(bench.stored == nil)
      #expect(bench.permits.count == 8)
    }
  }

  @Test(
    "fault 26: a connection that is reset costs that part alone one more request",
    arguments: [FaultRule.Moment.beforeBody, .beforeEffect, .afterEffect])
  func resetPart(_ moment: FaultRule.Moment) async throws {
    try await MultipartBench.with(rules: [.multipart("PUT", "partNumber", 3...3, .reset(moment))]) { bench in
      _ = try await bench.put()
      #expect(bench.count("PUT", "partNumber") == 6)
      try await bench.expectDelivered()
    }
  }

  /// A put by one connection, so that parts come in their order, that has ended at the request of the given number of a
  /// part; `body` gets what the next attempt is made with, and what the journal knows.
  static func interrupted(
    by rules: [FaultRule] = [], at part: Int,
    _ body: (MultipartBench, PutContext, MultipartUpload) async throws -> Void
  ) async throws {
    let refusal = FaultRule.multipart("PUT", "partNumber", part...part, .answer(status: 403, code: "AccessDenied"))
    try await MultipartBench.with(rules: rules + [refusal]) { bench in
      let one = try await PutContext.sample(permits: CountedPermits(0))
      await #expect(throws: Failure.self) { try await bench.put(one) }
      try await body(bench, one, try #require(try await bench.known(one)))
    }
  }

  @Test("fault 32: what was proven before an interruption is not sent again")
  func resumption() async throws {
    try await Self.interrupted(at: 4) { bench, one, held in
      #expect(held.parts.map(\.number) == [1, 2, 3])
      _ = try await bench.put(one)
      #expect(bench.count("PUT", "partNumber") == 4 + 2)
      #expect(bench.count("POST", "uploads") == 1)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 32: a part that the server does not hold as the journal says is sent again")
  func unverifiedPart() async throws {
    try await Self.interrupted(at: 4) { bench, one, held in
      let other = MultipartUpload.Part(number: 2, etag: "0123", checksum: [UInt8](repeating: 1, count: 16))
      try await one.journal.prove(other, of: held)
      _ = try await bench.put(one)
      #expect(bench.count("PUT", "partNumber") == 4 + 3)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 32: an upload that the server has lost is begun anew, at a part and after a restart")
  func lostUpload() async throws {
    let lost = FaultRule.multipart("PUT", "partNumber", 2...2, .answer(status: 404, code: "NoSuchUpload"))
    try await Self.interrupted(by: [lost], at: 5) { bench, one, _ in
      #expect(bench.count("POST", "uploads") == 2)
      bench.server.loseUploads()
      _ = try await bench.put(one)
      #expect(bench.count("POST", "uploads") == 3)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 32: a restart after the completion took effect finds the object and sends nothing")
  func completedEarlier() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", 1...9, .answerAfterEffect(status: 403, code: "AccessDenied"))
    ]) { bench in
      await #expect(throws: Failure.self) { try await bench.put() }
      let receipt = try await bench.put()
      #expect(receipt.checksum?.algorithm == .md5OfParts)
      #expect(bench.count("PUT", "partNumber") == 5)
      #expect(bench.count("POST", "uploads") == 1)
      try await bench.expectDelivered()
    }
  }

  @Test("fault 32: an upload whose first answer was lost is found and ended, others' are not")
  func stray() async throws {
    try await MultipartBench.with(rules: [.multipart("POST", "uploads", 2...2, .reset(.afterEffect))]) { bench in
      let others = try await PutContext.sample()
      // One that has a part is somebody's.
      bench.server.add(.multipart("PUT", "partNumber", 2...99, .answer(status: 403, code: "AccessDenied")))
      await #expect(throws: Failure.self) { try await bench.put(others) }
      bench.server.removeRules()
      bench.server.add(.multipart("POST", "uploads", .reset(.afterEffect)))
      _ = try await bench.put()
      #expect(bench.stored == bench.content)
      #expect(bench.server.openUploads.count == 2)
      try await bench.sweep()
      #expect(bench.server.openUploads.count == 1)
      #expect(bench.server.openUploads.first?.parts.isEmpty == false)
    }
  }

  @Test("fault 32: an upload of which the request arrives after its process is dead is ended")
  func lateBegin() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploads", .answer(status: 501, code: "NotImplemented"))
    ]) { bench in
      await #expect(throws: Failure.self) { try await bench.put() }
      _ = try await bench.put()
      // Nothing is found yet.
      try await bench.sweep()
      try await bench.expectDelivered()
      bench.server.add(.multipart("PUT", "partNumber", 1...99, .answer(status: 403, code: "AccessDenied")))
      let late = try await PutContext.sample()
      await #expect(throws: Failure.self) { try await bench.put(late) }
      #expect(bench.server.openUploads.count == 1)
      try await bench.sweep(whileInUse: true)
      #expect(bench.server.openUploads.count == 1)
      try await bench.sweep()
      try await bench.expectDelivered()
    }
  }

  @Test("an upload that has been completed is not aborted: some servers would take the object's content away")
  func noAbortBehindCompletion() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploadId", 1...9, .answerAfterEffect(status: 403, code: "AccessDenied"))
    ]) { bench in
      await #expect(throws: Failure.self) { try await bench.put() }
      let upload = try #require(try await bench.known())
      try await bench.store.abandon(upload)
      #expect(bench.count("DELETE", "uploadId") == 0)
      bench.server.place(bench.key.description, content: [7])
      try await bench.store.abandon(upload)
      #expect(bench.count("DELETE", "uploadId") == 1)
    }
  }

  @Test("fault 32: an upload that the server loses again and again fails the attempt, not the file")
  func lostAgain() async throws {
    try await MultipartBench.with(rules: [
      .multipart("PUT", "partNumber", 1...99, .answer(status: 404, code: "NoSuchUpload"))
    ]) { bench in
      let failure = await #expect(throws: Failure.self) { try await bench.put() }
      #expect(failure?.kind == .transient(retryAfter: nil) && failure?.code == "NoSuchUpload")
      bench.server.removeRules()
      _ = try await bench.put()
      try await bench.expectDelivered()
    }
  }

  @Test("nothing is remembered of an upload that the server refused to begin")
  func refusedBegin() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploads", 1...9, .answer(status: 403, code: "AccessDenied"))
    ]) { bench in
      for _ in 0..<3 { await #expect(throws: Failure.self) { try await bench.put() } }
      #expect(try await bench.known() == nil)
      let ledger = try #require(bench.context.journal as? InMemoryLedger)
      let left = try await ledger.unansweredUploads()
      #expect(left.isEmpty)
    }
  }

  @Test("fault 32: an upload that was begun by a process that died before it knew its ID is ended")
  func intentAlone() async throws {
    try await MultipartBench.with(rules: [
      .multipart("POST", "uploads", .answerAfterEffect(status: 501, code: "NotImplemented"))
    ]) { bench in
      await #expect(throws: Failure.self) { try await bench.put() }
      let known = try #require(try await bench.known())
      #expect(known.id == nil)
      #expect(bench.server.openUploads.count == 1)
      _ = try await bench.put()
      try await bench.sweep()
      try await bench.expectDelivered()
    }
  }
}

/// Changes when it is asked what it is like now: after the parts, before the completion.
private final class ChangingFile: OpenFile {
  private let file: DescriptorFile
  private let change: @Sendable () -> Void

  init(_ file: DescriptorFile, _ change: @escaping @Sendable () -> Void) {
    self.file = file
    self.change = change
  }

  var descriptor: Int32 { file.descriptor }
  var fingerprint: Fingerprint { file.fingerprint }

  func currentFingerprint() throws(Failure) -> Fingerprint {
    change()
    return try file.currentFingerprint()
  }
}
