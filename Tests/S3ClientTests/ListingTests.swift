import HTTPTransport
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import S3Client

@Suite("Listings") struct ListingTests {
  private func contents(_ key: String, _ more: String = "<Size>1</Size>") -> String {
    "<Contents><Key>\(key)</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified>"
      + "<ETag>&quot;e&quot;</ETag>\(more)<StorageClass>GLACIER</StorageClass></Contents>"
  }

  private func document(_ inside: String, encoding: String = "<EncodingType>url</EncodingType>") -> String {
    "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(encoding)\(inside)"
      + "</ListBucketResult>"
  }

  private func page(_ keys: [String], next token: String? = nil) -> String {
    let rest = token.map { "<NextContinuationToken>\($0)</NextContinuationToken>" } ?? ""
    return document("<IsTruncated>\(token != nil)</IsTruncated>\(rest)" + keys.map { contents($0) }.joined())
  }

  private func keys(_ listing: ObjectListing) async throws(S3Error) -> [String] {
    var keys: [String] = []
    for try await entry in listing { keys.append(entry.key.description) }
    return keys
  }

  @Test("A page is asked for with its prefix, and each line tells what the server knows of the object")
  func onePage() async throws {
    let transport = ScriptedTransport(.answer(200, [], page(["p/a%20b", "p/b"])))
    let listing = try client(transport).listObjects(under: ObjectKey("p/é"), after: ObjectKey("p/é"))
    _ = try? await keys(listing)
    #expect(
      transport.requests[0].url
        == "http://127.0.0.1:7480/b/?encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F%C3%A9&start-after=p%2F%C3%A9"
    )
    let good = try client(ScriptedTransport(.answer(200, [], page(["p/a%20b", "p/b"])))).listObjects(
      under: ObjectKey("p/"))
    var lines = good.makeAsyncIterator()
    let first = try await lines.next()
    #expect(
      first
        == .object(
          ListedObject(
            key: ObjectKey("p/a b"), size: 1, etag: "e", modified: Timestamp(seconds: 1_369_353_600),
            storageClass: "GLACIER")))
    #expect(try await lines.next()?.key == ObjectKey("p/b"))
    #expect(try await lines.next() == nil)
    #expect(try await lines.next() == nil)
  }

  @Test("Pages follow one another by their tokens, and no more than one is fetched ahead")
  func pages() async throws {
    let transport = ScriptedTransport(
      .answer(200, [], page(["a", "b"], next: "t/1")), .answer(200, [], page([], next: "t2")),
      .answer(200, [], page(["c"], next: "t3")), .answer(200, [], page(["d"])))
    var lines = try client(transport).listObjects().makeAsyncIterator()
    var found: [String] = []
    while let line = try await lines.next() {
      found.append(line.key.description)
      if found.count == 2 { #expect(transport.requests.count <= 2) }
    }
    #expect(found == ["a", "b", "c", "d"])
    #expect(transport.requests.count == 4)
    #expect(transport.requests[1].url.contains("continuation-token=t%2F1&"))
  }

  @Test("Keys are bytes: what is encoded comes back as it was, composed and decomposed letters stay apart")
  func decoding() async throws {
    let encoded = page(["%01", "+", "%25+%2B", "a%0D", "e%CC%81", "%C3%A9"])
    let listing = try client(ScriptedTransport(.answer(200, [], encoded))).listObjects()
    var found: [[UInt8]] = []
    for try await entry in listing { found.append(entry.key.bytes) }
    #expect(found == [[1], [0x20], Array("% +".utf8), Array("a\r".utf8), [0x65, 0xCC, 0x81], [0xC3, 0xA9]])
    let plain = document(
      "<IsTruncated>false</IsTruncated>" + contents("a%20+") + contents("a&amp;b"), encoding: "")
    #expect(try await keys(client(ScriptedTransport(.answer(200, [], plain))).listObjects()) == ["a%20+", "a&b"])
  }

  @Test("With a delimiter objects and common prefixes come in one order")
  func delimiter() async throws {
    let prefixes = ["a/", "c/"].map { "<CommonPrefixes><Prefix>\($0)</Prefix></CommonPrefixes>" }.joined()
    let text = document("<IsTruncated>false</IsTruncated>" + contents("b") + contents("d") + prefixes)
    let transport = ScriptedTransport(.answer(200, [], text))
    var lines = try client(transport).listObjects(delimiter: "/").makeAsyncIterator()
    #expect(try await lines.next() == .prefix(ObjectKey("a/")))
    #expect(try await lines.next()?.key == ObjectKey("b"))
    #expect(try await lines.next() == .prefix(ObjectKey("c/")))
    #expect(try await lines.next()?.key == ObjectKey("d"))
    #expect(try await lines.next() == nil)
    #expect(transport.requests[0].url.contains("delimiter=%2F&"))
  }

  @Test(
    "A page that cannot be right is an error, said again, and never the end of the listing",
    arguments: [
      "disorder", "twice", "no token", "no IsTruncated", "odd IsTruncated", "html", "cut", "empty", "other root",
      "bad escape", "half escape", "odd encoding", "no size", "negative size", "no date", "no key", "doctype",
      "too many",
    ])
  func hostile(what: String) async throws {
    let end = "<IsTruncated>false</IsTruncated>"
    let whole = page(["a", "b"])
    let pages = [
      "disorder": page(["b", "a"]), "twice": page(["a", "a"]),
      "no token": document("<IsTruncated>true</IsTruncated>" + contents("a")),
      "no IsTruncated": document(contents("a")),
      "odd IsTruncated": document("<IsTruncated>perhaps</IsTruncated>" + contents("a")),
      "html": "<html><body>Good morning</body></html>", "cut": String(whole.dropLast(20)), "empty": "",
      "other root": "<ListAllMyBucketsResult></ListAllMyBucketsResult>",
      "bad escape": page(["a%zz"]), "half escape": page(["a%4"]),
      "odd encoding": document(end + contents("a"), encoding: "<EncodingType>rot13</EncodingType>"),
      "no size": document(end + contents("a", "")),
      "negative size": document(end + contents("a", "<Size>-1</Size>")),
      "no date": document(end + "<Contents><Key>a</Key><Size>1</Size></Contents>"),
      "no key": document(end + "<Contents><Size>1</Size></Contents>"),
      "doctype": "<!DOCTYPE x [<!ENTITY a \"b\">]>" + whole,
      "too many": page((10_000...11_000).map { "\($0)" }),
    ]
    let listing = try client(ScriptedTransport(.answer(200, [], try #require(pages[what])))).listObjects()
    var lines = listing.makeAsyncIterator()
    let error = await #expect(throws: S3Error.self) { try await lines.next() }
    #expect(error?.code == "InvalidAnswer")
    #expect(error?.kind == .transient(retryAfter: nil))
    let again = await #expect(throws: S3Error.self) { try await lines.next() }
    #expect(again == error)
  }

  @Test("A key outside the prefix, or not behind the start, is an error")
  func notAsked() async throws {
    let outside = try client(ScriptedTransport(.answer(200, [], page(["q"])))).listObjects(under: ObjectKey("p"))
    let error = await #expect(throws: S3Error.self) { try await keys(outside) }
    #expect(
      error?.failure.message
        == "cannot list s3://b: the answer cannot be understood: it tells of q, for which nobody asked")
    let before = try client(ScriptedTransport(.answer(200, [], page(["a"])))).listObjects(after: ObjectKey("a"))
    await #expect(throws: S3Error.self) { try await keys(before) }
  }

  @Test("A second page that begins before the first one's end is an error, as is a token that comes twice")
  func acrossPages() async throws {
    let disorder = ScriptedTransport(
      .answer(200, [], page(["a", "c"], next: "t")), .answer(200, [], page(["b"])))
    let error = await #expect(throws: S3Error.self) { try await keys(client(disorder).listObjects()) }
    #expect(
      error?.failure.message == "cannot list s3://b: the server's listing cannot be right: b does not come behind c")
    let repeated = ScriptedTransport(
      .answer(200, [], page(["a"], next: "t")), .answer(200, [], page(["b"], next: "t")), .answer(200, [], page(["c"])))
    let second = await #expect(throws: S3Error.self) { try await keys(client(repeated).listObjects()) }
    #expect(second?.code == "InvalidListing")
  }

  @Test("Pages without end and without an entry end in an error")
  func endless() async throws {
    let (head, tail) = (
      "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>", "</ListBucketResult>"
    )
    let transport = AnsweringTransport { _, earlier in
      .answer(200, [], "\(head)\(earlier.count)</NextContinuationToken>\(tail)")
    }
    let error = await #expect(throws: S3Error.self) { try await keys(client(transport).listObjects()) }
    #expect(error?.code == "InvalidListing")
    #expect(transport.requests.count <= 1002)
  }

  @Test("An error of a later page ends the listing with that error")
  func laterError() async throws {
    let refusal = "<Error><Code>AccessDenied</Code></Error>"
    let transport = ScriptedTransport(.answer(200, [], page(["a"], next: "t")), .answer(403, [], refusal))
    var lines = try client(transport).listObjects().makeAsyncIterator()
    #expect(try await lines.next()?.key == ObjectKey("a"))
    let error = await #expect(throws: S3Error.self) { try await lines.next() }
    #expect(error?.code == "AccessDenied")
    #expect(error?.kind == .blocked)
  }

  @Test("Who stops in the middle ends what is fetched ahead", .timeLimit(.minutes(1)))
  func cancelled() async throws {
    let transport = StallingTransport(.answer(200, [], page(["a"], next: "t")))
    let client = try S3Client(
      exampleSettings(), environment: [:], transport: transport, now: { Timestamp(seconds: 1_369_353_600) },
      retry: RequestRetry(tries: 1))
    for try await _ in client.listObjects() {
      // Under way: what is let go earlier is never sent.
      await transport.stalls()
      break
    }
    await transport.isCancelled()
  }

  @Test("A page of 1,000 keys of 1,024 bytes, each written with three, is read whole")
  func largestPage() async throws {
    try await ScriptedS3Server.with { server in
      for number in 0...1000 {
        server.place(String(repeating: "\u{1}", count: 1019) + "\(10_000 + number)", content: [])
      }
      var count = 0
      for try await entry in try client(of: server).listObjects() {
        #expect(entry.key.bytes.suffix(5).elementsEqual("\(10_000 + count)".utf8))
        count += 1
      }
      #expect(count == 1001)
      #expect(server.requests.count == 2)
    }
  }
}

/// Answers the first request, and no other until its task is cancelled.
private final class StallingTransport: HTTPSender {
  private let answer: Mutex<Result<HTTPResponse, HTTPTransportError>?>
  private let (stalled, stall) = AsyncStream<Void>.makeStream()
  private let (cancelled, cancel) = AsyncStream<Void>.makeStream()

  init(_ answer: Result<HTTPResponse, HTTPTransportError>) {
    self.answer = Mutex(answer)
  }

  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    if let first = answer.withLock({ $0.take() }) { return try first.get() }
    await withTaskCancellationHandler {
      stall.yield()
      // Ends with the task.
      for await _ in AsyncStream<Void>.makeStream().stream {}
    } onCancel: {
      cancel.yield()
    }
    throw HTTPTransportError(.cancelled)
  }

  /// Returns once the second request is there.
  func stalls() async { for await _ in stalled { return } }

  /// Returns once its task has been cancelled.
  func isCancelled() async { for await _ in cancelled { return } }
}
