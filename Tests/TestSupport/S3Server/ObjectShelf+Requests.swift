import SlipwayModel

/// Requests beside put, get and delete of one object.
extension ObjectShelf {
  /// POST ?delete: as many as 1,000 keys, with a checksum of the body.
  mutating func deleteSeveral(_ request: RecordedRequest) throws(S3Error) -> Answer {
    try checkBody(request)
    let document = try RequestDocument(request.body)
    let keys = document.all("Delete/Object/Key")
    guard (1...1000).contains(keys.count) else { throw S3Error(400, "MalformedXML") }
    let isQuiet = document.all("Delete/Quiet") == ["true"]
    var lines = ""
    for key in keys {
      if protected.contains(ObjectKey(key)) {
        lines += "<Error><Key>\(xmlEscaped(key))</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
      } else {
        remove(ObjectKey(key), from: request.bucket)
        if !isQuiet { lines += "<Deleted><Key>\(xmlEscaped(key))</Key></Deleted>" }
      }
    }
    return .xml("<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(lines)</DeleteResult>")
  }

  /// GET, PUT and DELETE ?tagging. Tags lie in the object's headers as the PUT brought them.
  mutating func tagging(_ request: RecordedRequest) throws(S3Error) -> Answer {
    let key = ObjectKey(request.key)
    guard var object = buckets[request.bucket]?[key] else { throw S3Error(404, "NoSuchKey") }
    switch request.method {
    case "GET":
      let encoded = object.headers.first { $0.name == "x-amz-tagging" }?.value ?? ""
      let tags = (PercentCoding.query(encoded) ?? []).map {
        "<Tag><Key>\(xmlEscaped($0.name))</Key><Value>\(xmlEscaped($0.value))</Value></Tag>"
      }
      return .xml("<Tagging><TagSet>\(tags.joined())</TagSet></Tagging>")
    case "PUT":
      try checkBody(request)
      object.headers.removeAll { $0.name == "x-amz-tagging" }
      let tags = try Self.tags(in: RequestDocument(request.body))
      if !tags.isEmpty { object.headers.append(("x-amz-tagging", tags)) }
    case "DELETE": object.headers.removeAll { $0.name == "x-amz-tagging" }
    default: throw S3Error(405, "MethodNotAllowed")
    }
    store(object, at: key, in: request.bucket)
    return Answer(status: request.method == "DELETE" ? 204 : 200)
  }

  /// As the header of a PUT has them.
  private static func tags(in document: RequestDocument) throws(S3Error) -> String {
    let names = document.all("Tagging/TagSet/Tag/Key")
    let values = document.all("Tagging/TagSet/Tag/Value")
    guard names.count == values.count, names.count <= 10, Set(names).count == names.count else {
      throw S3Error(400, "InvalidTag")
    }
    return zip(names, values).map { pair in
      [pair.0, pair.1].map { PercentCoding.encoded($0.utf8, keepingSlashes: false) }.joined(separator: "=")
    }.joined(separator: "&")
  }

  /// PUT with `x-amz-copy-source`: content, metadata and tags stay what they are; storage class and ACL are the request's.
  mutating func copy(_ request: RecordedRequest, _ source: String, _ now: Timestamp) throws(S3Error) -> Answer {
    guard request.header("x-amz-metadata-directive") ?? "COPY" == "COPY" else { throw S3Error(501, "NotImplemented") }
    var object = try copied(request, source)
    if PercentCoding.decoded(source.utf8) == Array("\(request.bucket)/".utf8) + request.key {
      throw S3Error(400, "InvalidRequest", "An object cannot be copied to itself without a change.")
    }
    let own: Set = ["x-amz-storage-class", "x-amz-acl"]
    object.headers.removeAll { own.contains($0.name) }
    object.headers += request.headers.filter { own.contains($0.name) }
    object.modified = Int(now.nanoseconds / 1_000_000_000)
    store(object, at: ObjectKey(request.key), in: request.bucket)
    return Self.answer("CopyObjectResult", etag: object.etag, now)
  }

  /// PUT of a part with `x-amz-copy-source`: the whole source, or what `x-amz-copy-source-range` names of it.
  mutating func copyPart(
    _ request: RecordedRequest, _ source: String, _ now: Timestamp, _ corrupting: Bool
  ) throws(S3Error) -> Answer {
    guard request.body.isEmpty else { throw S3Error(400, "InvalidRequest", "A copied part has no body.") }
    let object = try copied(request, source)
    var content = object.content
    if let range = request.header("x-amz-copy-source-range") {
      guard let match = range.wholeMatch(of: /bytes=(\d+)-(\d+)/), let first = Int(match.1), let last = Int(match.2),
        first <= last
      else { throw S3Error(400, "InvalidArgument", "The range must be of the form bytes=first-last.") }
      guard last < content.count else {
        throw S3Error(400, "InvalidRequest", "The range is not valid for a source of \(content.count) bytes.")
      }
      content = Array(content[first...last])
    }
    return Self.answer("CopyPartResult", etag: try putPart(request, content, corrupting).etag, now)
  }

  /// What lies at the source, if it is what the request means.
  private func copied(_ request: RecordedRequest, _ source: String) throws(S3Error) -> StoredObject {
    guard let path = PercentCoding.decoded(source.utf8), let slash = path.firstIndex(of: UInt8(ascii: "/")) else {
      throw S3Error(400, "InvalidArgument", "The source must be a bucket and a key.")
    }
    guard let bucket = buckets[String(decoding: path[..<slash], as: UTF8.self)] else {
      throw S3Error(404, "NoSuchBucket")
    }
    guard let object = bucket[ObjectKey(Array(path[(slash + 1)...]))] else { throw S3Error(404, "NoSuchKey") }
    if let wanted = request.header("x-amz-copy-source-if-match"), wanted != "\"\(object.etag)\"" {
      throw S3Error(412, "PreconditionFailed")
    }
    return object
  }

  private static func answer(_ root: String, etag: String, _ now: Timestamp) -> Answer {
    let date = CalendarDate(Timestamp(seconds: now.nanoseconds / 1_000_000_000)).extendedFormat.dropLast()
    return .xml("<\(root)><LastModified>\(date).000Z</LastModified><ETag>&quot;\(etag)&quot;</ETag></\(root)>")
  }

  /// What the body of a PUT of a bucket says must be the server's region, which may be left out for one of them alone.
  func checkRegion(_ request: RecordedRequest) throws(S3Error) {
    if request.body.isEmpty, region == "us-east-1" { return }
    let named = request.body.isEmpty ? [] : try RequestDocument(request.body).texts
    guard named.count == 1, named[0].path == "CreateBucketConfiguration/LocationConstraint", named[0].text == region,
      region != "us-east-1"
    else { throw S3Error(400, "IllegalLocationConstraintException") }
  }

  /// A body that changes more than one thing must come with a checksum; `SignatureCheck` has judged an MD5.
  private func checkBody(_ request: RecordedRequest) throws(S3Error) {
    let isProven = try !checkedChecksums(request).isEmpty || request.header("content-md5") != nil
    if !isProven { throw S3Error(400, "InvalidRequest", "Missing required header for this request: Content-MD5") }
  }
}
