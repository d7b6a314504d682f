import SlipwayModel

/// One page of ListObjectsV2. The continuation token is the last key or prefix told, in hexadecimal.
struct ObjectListing {
  private let bucket: String
  private let prefix: [UInt8]
  private let delimiter: [UInt8]
  private let after: [UInt8]
  private let limit: Int
  private let encodes: Bool

  init(_ request: RecordedRequest) throws(S3Error) {
    bucket = request.bucket
    prefix = Array((request.queryValue("prefix") ?? "").utf8)
    delimiter = Array((request.queryValue("delimiter") ?? "").utf8)
    encodes = request.queryValue("encoding-type") == "url"
    guard let limit = Int(request.queryValue("max-keys") ?? "1000"), limit >= 0 else {
      throw S3Error(400, "InvalidArgument")
    }
    self.limit = min(limit, 1000)
    if let token = request.queryValue("continuation-token") {
      guard let key = PercentCoding.decoded(token.utf8) else { throw S3Error(400, "InvalidArgument") }
      after = key
    } else {
      after = Array((request.queryValue("start-after") ?? "").utf8)
    }
  }

  private enum Line {
    case object(ObjectKey, StoredObject)
    case prefix([UInt8])

    /// What the next page begins behind.
    var position: [UInt8] {
      switch self {
      case .object(let key, _): key.bytes
      // Behind everything below the prefix: 0xFF is in no key, which are UTF-8.
      case .prefix(let bytes): bytes + [0xFF]
      }
    }
  }

  func answer(from objects: ObjectShelf.Bucket) -> Answer {
    var lines: [Line] = []
    var isTruncated = false
    for (key, object) in objects.sorted(by: { $0.key < $1.key })
    where key.bytes.starts(with: prefix) && after.precedes(key.bytes) {
      let line = line(key, object)
      if case .prefix(let new) = line, case .prefix(let last)? = lines.last, new == last { continue }
      isTruncated = lines.count == limit
      if isTruncated { break }
      lines.append(line)
    }
    return .xml(document(lines, isTruncated: isTruncated))
  }

  private func line(_ key: ObjectKey, _ object: StoredObject) -> Line {
    if delimiter.isEmpty { return .object(key, object) }
    var end = prefix.count
    while end + delimiter.count <= key.bytes.count {
      if key.bytes[end...].starts(with: delimiter) { return .prefix(Array(key.bytes[..<(end + delimiter.count)])) }
      end += 1
    }
    return .object(key, object)
  }

  private func document(_ lines: [Line], isTruncated: Bool) -> String {
    var text = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>\(xmlEscaped(bucket))</Name>"
    text += "<Prefix>\(name(prefix))</Prefix><KeyCount>\(lines.count)</KeyCount><MaxKeys>\(limit)</MaxKeys>"
    if encodes { text += "<EncodingType>url</EncodingType>" }
    text += "<IsTruncated>\(isTruncated)</IsTruncated>"
    if isTruncated, let last = lines.last {
      let token = last.position.map { "%\(hexadecimal($0))" }.joined()
      text += "<NextContinuationToken>\(token)</NextContinuationToken>"
    }
    return text + lines.map(element).joined() + "</ListBucketResult>"
  }

  private func element(_ line: Line) -> String {
    switch line {
    case .prefix(let bytes): return "<CommonPrefixes><Prefix>\(name(bytes))</Prefix></CommonPrefixes>"
    case .object(let key, let object):
      let date = CalendarDate(Timestamp(seconds: Int64(object.modified))).extendedFormat.dropLast()
      return "<Contents><Key>\(name(key.bytes))</Key><LastModified>\(date).000Z</LastModified>"
        + "<ETag>&quot;\(object.etag)&quot;</ETag><Size>\(object.content.count)</Size>"
        + "<StorageClass>STANDARD</StorageClass></Contents>"
    }
  }

  private func name(_ bytes: [UInt8]) -> String {
    encodes ? PercentCoding.key(bytes) : xmlEscaped(String(decoding: bytes, as: UTF8.self))
  }
}
