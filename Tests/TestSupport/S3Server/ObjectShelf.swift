import SlipwayModel

/// The buckets and their objects, and what S3 does with them. Knows nothing of sockets, signatures and faults; one
/// caller at a time.
struct ObjectShelf {
  typealias Bucket = [ObjectKey: StoredObject]

  private(set) var buckets: [String: Bucket]
  private(set) var multiparts: MultipartShelf
  let region: String
  /// Keys that a request to delete several may not remove.
  var protected: Set<ObjectKey> = []
  /// What S3 gives back with an object as it was given, besides `x-amz-meta-…`.
  private static let keptHeaders: Set<String> = [
    "cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires",
    "x-amz-storage-class", "x-amz-tagging", "x-amz-acl",
  ]
  private static let longestKey = 1024

  init(buckets: [String], region: String, partSizeMinimum: Int = 1) {
    multiparts = MultipartShelf(partSizeMinimum: partSizeMinimum)
    self.buckets = Dictionary(uniqueKeysWithValues: buckets.map { ($0, [:]) })
    self.region = region
  }

  /// Carries the request out. `corrupting` turns one bit of what is stored.
  mutating func perform(
    _ request: RecordedRequest, now: Timestamp, corrupting: Bool = false
  ) throws(S3Error) -> Answer {
    if request.bucket.isEmpty { return try service(request) }
    if request.key.isEmpty { return try bucketOperation(request) }
    guard buckets[request.bucket] != nil else { throw S3Error(404, "NoSuchBucket") }
    if request.key.count > Self.longestKey { throw S3Error(400, "KeyTooLongError") }
    guard String(validating: request.key, as: UTF8.self) != nil else { throw S3Error(400, "InvalidURI") }
    if request.queryValue("tagging") != nil { return try tagging(request) }
    if let answer = try multipart(request, now, corrupting) { return answer }
    let known: Set = ["x-id"]
    if let unknown = request.query.first(where: { !known.contains($0.name) }) {
      throw S3Error(501, "NotImplemented", "The query \(unknown.name) is not known here.")
    }
    switch request.method {
    case "PUT": return try put(request, now, corrupting)
    case "GET", "HEAD": return try get(request)
    case "DELETE":
      remove(ObjectKey(request.key), from: request.bucket)
      return Answer(status: 204)
    default: throw S3Error(405, "MethodNotAllowed")
    }
  }

  /// nil for a request that is about no multipart upload.
  private mutating func multipart(
    _ request: RecordedRequest, _ now: Timestamp, _ corrupting: Bool
  ) throws(S3Error) -> Answer? {
    if request.method == "POST", request.queryValue("uploads") != nil {
      return multiparts.begin(request, headers: Self.kept(request.headers), now: now)
    }
    guard request.queryValue("uploadId") != nil else { return nil }
    switch request.method {
    case "PUT":
      if let source = request.header("x-amz-copy-source") { return try copyPart(request, source, now, corrupting) }
      let echoed = try checkedChecksums(request)
      let part = try putPart(request, request.body, corrupting)
      return Answer(status: 200, headers: [("ETag", "\"\(part.etag)\"")] + echoed)
    case "GET": return try multiparts.list(request)
    case "DELETE": return try multiparts.abort(request)
    case "POST":
      try checkConditions(request)
      let object = try multiparts.complete(request, now: now)
      let echoed = try checkedChecksums(request, of: object.content)
        .map { "<\(Self.element($0.name))>\($0.value)</\(Self.element($0.name))>" }
      buckets[request.bucket]?[ObjectKey(request.key)] = object
      return .xml(
        "<CompleteMultipartUploadResult><Key>k</Key><ETag>&quot;\(object.etag)&quot;</ETag>"
          + "\(echoed.joined())</CompleteMultipartUploadResult>")
    default: throw S3Error(405, "MethodNotAllowed")
    }
  }

  mutating func putPart(
    _ request: RecordedRequest, _ content: [UInt8], _ corrupting: Bool
  ) throws(S3Error) -> MultipartShelf.Part {
    try multiparts.put(request, content, corrupting: corrupting)
  }

  /// From now on no object that is put together of parts has the tags of its upload.
  mutating func forgetTagsOfParts() { multiparts.forgetsTags = true }

  /// Forgets every multipart upload that is not over.
  mutating func loseUploads() { multiparts.forgetAll() }

  /// Puts an object there without a request.
  mutating func place(_ key: [UInt8], in bucket: String, content: [UInt8] = []) {
    buckets[bucket]?[ObjectKey(key)] = StoredObject(
      content: content, etag: hexadecimal(Digests.md5(content)), headers: [], modified: 0)
  }

  mutating func store(_ object: StoredObject, at key: ObjectKey, in bucket: String) {
    buckets[bucket]?[key] = object
  }

  mutating func remove(_ key: ObjectKey, from bucket: String) {
    buckets[bucket]?[key] = nil
  }

  private func service(_ request: RecordedRequest) throws(S3Error) -> Answer {
    guard request.method == "GET" else { throw S3Error(405, "MethodNotAllowed") }
    let names = buckets.keys.sorted().map { "<Bucket><Name>\(xmlEscaped($0))</Name></Bucket>" }
    return .xml("<ListAllMyBucketsResult><Buckets>\(names.joined())</Buckets></ListAllMyBucketsResult>")
  }

  private mutating func bucketOperation(_ request: RecordedRequest) throws(S3Error) -> Answer {
    let bucket = buckets[request.bucket]
    if request.method == "PUT", request.query.isEmpty {
      if bucket != nil { throw S3Error(409, "BucketAlreadyOwnedByYou") }
      try checkRegion(request)
      buckets[request.bucket] = [:]
      return Answer(status: 200)
    }
    guard let bucket else { throw S3Error(404, "NoSuchBucket") }
    switch request.method {
    case "HEAD": return Answer(status: 200, headers: [("x-amz-bucket-region", region)])
    case "DELETE" where request.query.isEmpty:
      if !bucket.isEmpty { throw S3Error(409, "BucketNotEmpty") }
      buckets[request.bucket] = nil
      return Answer(status: 204)
    case "POST" where request.queryValue("delete") != nil: return try deleteSeveral(request)
    case "GET" where request.queryValue("uploads") != nil: return multiparts.listAll(request)
    case "GET" where request.queryValue("location") != nil:
      return .xml("<LocationConstraint>\(region)</LocationConstraint>")
    case "GET" where request.queryValue("list-type") == "2":
      return try ObjectListing(request).answer(from: bucket)
    default: throw S3Error(501, "NotImplemented")
    }
  }

  private mutating func put(
    _ request: RecordedRequest, _ now: Timestamp, _ corrupting: Bool
  ) throws(S3Error) -> Answer {
    if let source = request.header("x-amz-copy-source") { return try copy(request, source, now) }
    try checkConditions(request)
    let echoed = try checkedChecksums(request)
    var content = request.body
    if corrupting {
      if content.isEmpty { content = [0] } else { content[content.count / 2] ^= 1 }
    }
    let object = StoredObject(
      content: content, etag: hexadecimal(Digests.md5(content)), headers: Self.kept(request.headers) + echoed,
      modified: Int(now.nanoseconds / 1_000_000_000))
    buckets[request.bucket]?[ObjectKey(request.key)] = object
    return Answer(status: 200, headers: [("ETag", "\"\(object.etag)\"")] + echoed)
  }

  private func checkConditions(_ request: RecordedRequest) throws(S3Error) {
    let present = buckets[request.bucket]?[ObjectKey(request.key)]
    if request.header("if-none-match") == "*", present != nil { throw S3Error(412, "PreconditionFailed") }
    guard let wanted = request.header("if-match") else { return }
    guard let present else { throw S3Error(404, "NoSuchKey") }
    if wanted.filter({ $0 != "\"" }) != present.etag { throw S3Error(412, "PreconditionFailed") }
  }

  /// A checksum is compared and echoed; one that this server cannot compute is refused, so that no test passes for it.
  func checkedChecksums(_ request: RecordedRequest) throws(S3Error) -> [(name: String, value: String)] {
    try checkedChecksums(request, of: request.body)
  }

  /// `ChecksumCRC64NVME` for `x-amz-checksum-crc64nvme`.
  private static func element(_ header: String) -> String {
    "Checksum\(header.dropFirst("x-amz-checksum-".count).uppercased())"
  }

  private func checkedChecksums(
    _ request: RecordedRequest, of content: [UInt8]
  ) throws(S3Error) -> [(name: String, value: String)] {
    var echoed: [(name: String, value: String)] = []
    for (name, value) in request.headers where name.hasPrefix("x-amz-checksum-") && name != "x-amz-checksum-type" {
      guard let expected = Self.checksum(name, of: content) else {
        throw S3Error(501, "NotImplemented", "\(name) is not known here.")
      }
      guard Base64.decoded(value) == expected else {
        throw S3Error(400, "BadDigest", "The body is not what \(name) says.")
      }
      echoed.append((name, value))
    }
    return echoed
  }

  private static func checksum(_ name: String, of body: [UInt8]) -> [UInt8]? {
    switch name {
    case "x-amz-checksum-sha256": Digests.sha256(body)
    case "x-amz-checksum-crc64nvme": withUnsafeBytes(of: CyclicReference.crc64nvme(body).bigEndian) { Array($0) }
    case "x-amz-checksum-crc32c": withUnsafeBytes(of: UInt32(CyclicReference.crc32c(body)).bigEndian) { Array($0) }
    default: nil
    }
  }

  private static func kept(_ headers: [(name: String, value: String)]) -> [(name: String, value: String)] {
    let kept = headers.filter { keptHeaders.contains($0.name) || $0.name.hasPrefix("x-amz-meta-") }
    return kept.contains { $0.name == "content-type" } ? kept : kept + [("content-type", "binary/octet-stream")]
  }

  private func get(_ request: RecordedRequest) throws(S3Error) -> Answer {
    guard let object = buckets[request.bucket]?[ObjectKey(request.key)] else { throw S3Error(404, "NoSuchKey") }
    if let wanted = request.header("if-match"), wanted != "\"\(object.etag)\"" {
      throw S3Error(412, "PreconditionFailed")
    }
    let date = Answer.httpDate(Timestamp(seconds: Int64(object.modified)))
    // Tags are told by a request of their own, checksums of the whole object to who asks.
    let tellsChecksums = request.header("x-amz-checksum-mode") == "ENABLED" && request.header("range") == nil
    let headers = object.headers.filter {
      $0.name != "x-amz-tagging" && (tellsChecksums || !$0.name.hasPrefix("x-amz-checksum-"))
    }
    var answer = Answer(
      status: 200,
      headers: [("ETag", "\"\(object.etag)\""), ("Last-Modified", date), ("Accept-Ranges", "bytes")] + headers,
      body: object.content)
    if let range = try Self.range(request.header("range"), of: object.content.count) {
      answer.status = 206
      answer.body = Array(object.content[range])
      answer.headers.append(
        ("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(object.content.count)"))
    }
    answer.headLength = answer.body.count
    return answer
  }

  /// RFC 9110, section 14.1.2: one range of bytes.
  private static func range(_ header: String?, of length: Int) throws(S3Error) -> Range<Int>? {
    guard let header, let match = header.wholeMatch(of: /bytes=(\d*)-(\d*)/)?.output else { return nil }
    let unsatisfiable = S3Error(416, "InvalidRange")
    switch (Int(match.1), Int(match.2)) {
    case (let first?, let last):
      guard first < length else { throw unsatisfiable }
      return first..<min((last ?? Int.max - 1) + 1, length)
    case (nil, let count?):
      guard count > 0, length > 0 else { throw unsatisfiable }
      return max(0, length - count)..<length
    default: return nil
    }
  }
}
