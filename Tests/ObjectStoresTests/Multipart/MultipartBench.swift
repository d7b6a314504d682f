import HTTPTransport
import ObjectStores
import S3Client
import SlipwayModel
import TestSupport
import Testing

/// A store that sends everything of 2,000 bytes and more in parts of 1,000 to a scripted server, and one file.
struct MultipartBench {
  let server: ScriptedS3Server
  let store: S3ObjectStore
  let context: PutContext
  let permits = CountedPermits(8)
  let directory: TemporaryDirectory
  let content: [UInt8]
  let path: BytePath
  let key = ObjectKey("some/key")
  private let makeStore: @Sendable () throws -> S3ObjectStore

  /// Runs `body` with a bench, and ends its server and connections whatever happens.
  static func with(
    size: Int = 4500, rules: [FaultRule] = [], environment: [String: String] = [:],
    changing change: (inout S3Destination) -> Void = { _ in },
    _ body: (MultipartBench) async throws -> Void
  ) async throws {
    let transport = try HTTPTransport()
    defer { transport.shutdown() }
    try await ScriptedS3Server.with(rules: rules) { server in
      try await body(MultipartBench(server, transport, size, environment, change))
    }
  }

  private init(
    _ server: ScriptedS3Server, _ transport: HTTPTransport, _ size: Int, _ environment: [String: String],
    _ change: (inout S3Destination) -> Void
  ) async throws {
    self.server = server
    var settings = S3Destination(bucket: "bucket")
    settings.endpoint = server.endpoint
    settings.credentials = .init(
      accessKeyID: server.keys.accessKeyID, secretAccessKey: Secret(server.keys.secretAccessKey), sessionToken: nil)
    settings.multipartThreshold = 2000
    settings.partSize = 1000
    change(&settings)
    makeStore = { [settings] in try S3ObjectStore(settings, environment: environment, transport: transport) }
    store = try makeStore()
    context = try await PutContext.sample(permits: permits)
    directory = try TemporaryDirectory()
    content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    path = try directory.write(content, to: BytePath("file"))
  }

  /// Puts the file, as an attempt of the context's run does.
  func put(_ other: PutContext? = nil) async throws -> PutReceipt {
    try await store.put(DescriptorFile(path), at: key, other ?? context)
  }

  /// The store of a process that has just been started.
  func newStore() throws -> S3ObjectStore { try makeStore() }

  /// The upload that the journal knows.
  func known(_ other: PutContext? = nil) async throws -> MultipartUpload? {
    let context = other ?? context
    return try await context.journal.multipartUpload(of: context.run, context.path, at: context.destination)
  }

  /// What is done after a put about requests that were never answered, as often as there are any.
  func sweep(whileInUse isInUse: Bool = false) async throws {
    let ledger = try #require(context.journal as? InMemoryLedger)
    for upload in try await ledger.unansweredUploads() {
      try await store.abandon(upload) { () throws(Failure) in isInUse }
    }
  }

  /// What the object at the key holds.
  var stored: [UInt8]? { server.object(key.description)?.content }

  /// How often a request of this method with this name in its query came.
  func count(_ method: String, _ name: String) -> Int {
    server.requests.count { $0.method == method && $0.queryValue(name) != nil }
  }

  /// Those that sent a part, by its number.
  var partRequests: [RecordedRequest] {
    server.requests.filter { $0.queryValue("partNumber") != nil }.sorted {
      Int($0.queryValue("partNumber") ?? "") ?? 0 < Int($1.queryValue("partNumber") ?? "") ?? 0
    }
  }

  /// The object is whole, nothing is left at the server or in the journal, and every place has been given back.
  func expectDelivered(_ other: PutContext? = nil, _ location: Testing.SourceLocation = #_sourceLocation) async throws {
    #expect(stored == content, sourceLocation: location)
    #expect(server.openUploads.isEmpty, sourceLocation: location)
    let known = try await known(other)
    #expect(known == nil, sourceLocation: location)
    #expect(permits.count == 8, sourceLocation: location)
  }
}

extension FaultRule {
  /// For requests of this method with this name in their query: the first one, or those of `occurrences` in the order of
  /// their coming.
  static func multipart(
    _ method: String, _ queryName: String, _ action: Action
  ) -> FaultRule {
    .multipart(method, queryName, 1...1, action)
  }

  static func multipart(
    _ method: String, _ queryName: String, _ occurrences: ClosedRange<Int>, _ action: Action
  ) -> FaultRule {
    FaultRule(Match(method: method, queryName: queryName, occurrences: occurrences), action)
  }
}
