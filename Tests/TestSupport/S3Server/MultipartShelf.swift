import SlipwayModel

/// The multipart uploads of a server that are not over, and what S3 does with them. One caller at a time.
struct MultipartShelf {
  struct Part: Sendable {
    var content: [UInt8]
    var etag: String
  }
  struct Upload: Sendable {
    let number: Int
    let bucket: String
    let key: ObjectKey
    let headers: [(name: String, value: String)]
    let initiated: Timestamp
    var parts: [Int: Part] = [:]

    var id: String { "upload/\(number)+id" }
  }

  private(set) var uploads: [Int: Upload] = [:]
  /// As some versions of Ceph's gateway.
  var forgetsTags = false
  private var count = 0
  /// Every part but the last must have so many bytes; S3 asks for 5 MiB, tests for less.
  private let partSizeMinimum: Int

  init(partSizeMinimum: Int) {
    self.partSizeMinimum = partSizeMinimum
  }

  /// `headers` are what the object is to have.
  mutating func begin(
    _ request: RecordedRequest, headers: [(name: String, value: String)], now: Timestamp
  ) -> Answer {
    count += 1
    let headers = headers.filter { !forgetsTags || $0.name != "x-amz-tagging" }
    let upload = Upload(
      number: count, bucket: request.bucket, key: ObjectKey(request.key), headers: headers, initiated: now)
    uploads[count] = upload
    return .xml(
      "<InitiateMultipartUploadResult><Bucket>\(xmlEscaped(request.bucket))</Bucket><Key>k</Key>"
        + "<UploadId>\(upload.id)</UploadId></InitiateMultipartUploadResult>")
  }

  /// The part as it was stored.
  mutating func put(
    _ request: RecordedRequest, _ content: [UInt8], corrupting: Bool
  ) throws(S3Error) -> Part {
    let upload = try upload(request)
    guard let number = Int(request.queryValue("partNumber") ?? ""), 1...10_000 ~= number else {
      throw S3Error(400, "InvalidArgument")
    }
    var content = content
    if corrupting { if content.isEmpty { content = [0] } else { content[content.count / 2] ^= 1 } }
    let part = Part(content: content, etag: hexadecimal(Digests.md5(content)))
    uploads[upload.number]?.parts[number] = part
    return part
  }

  mutating func abort(_ request: RecordedRequest) throws(S3Error) -> Answer {
    uploads[try upload(request).number] = nil
    return Answer(status: 204)
  }

  func list(_ request: RecordedRequest) throws(S3Error) -> Answer {
    let upload = try upload(request)
    let after = Int(request.queryValue("part-number-marker") ?? "") ?? 0
    let limit = min(Int(request.queryValue("max-parts") ?? "") ?? 1000, 1000)
    let numbers = upload.parts.keys.filter { $0 > after }.sorted()
    let parts = numbers.prefix(limit).map { number in
      let part = upload.parts[number]
      return "<Part><PartNumber>\(number)</PartNumber><ETag>&quot;\(part?.etag ?? "")&quot;</ETag>"
        + "<Size>\(part?.content.count ?? 0)</Size></Part>"
    }
    return .xml(
      "<ListPartsResult><UploadId>\(upload.id)</UploadId><IsTruncated>\(numbers.count > limit)</IsTruncated>"
        + parts.joined() + "</ListPartsResult>")
  }

  /// By key, then by the order of their beginning.
  func listAll(_ request: RecordedRequest) -> Answer {
    let prefix = Array((request.queryValue("prefix") ?? "").utf8)
    let all = uploads.values.filter { $0.bucket == request.bucket && $0.key.bytes.starts(with: prefix) }
      .sorted { $0.key == $1.key ? $0.number < $1.number : $0.key < $1.key }
    let after = request.queryValue("upload-id-marker").flatMap { id in all.firstIndex { $0.id == id } }
    let rest = all[(after.map { $0 + 1 } ?? 0)...]
    let limit = min(Int(request.queryValue("max-uploads") ?? "") ?? 1000, 1000)
    let encodes = request.queryValue("encoding-type") == "url"
    func name(_ key: ObjectKey) -> String {
      encodes ? PercentCoding.key(key.bytes) : xmlEscaped(String(decoding: key.bytes, as: UTF8.self))
    }
    let entries = rest.prefix(limit).map { upload in
      let date = CalendarDate(upload.initiated).extendedFormat
      return "<Upload><Key>\(name(upload.key))</Key><UploadId>\(upload.id)</UploadId>"
        + "<Initiated>\(date)</Initiated></Upload>"
    }
    var text = "<ListMultipartUploadsResult><IsTruncated>\(rest.count > limit)</IsTruncated>"
    if encodes { text += "<EncodingType>url</EncodingType>" }
    if rest.count > limit, let last = rest.prefix(limit).last {
      text += "<NextKeyMarker>\(name(last.key))</NextKeyMarker>"
      text += "<NextUploadIdMarker>\(last.id)</NextUploadIdMarker>"
    }
    return .xml(text + entries.joined() + "</ListMultipartUploadsResult>")
  }

  /// The object that the request puts together; the upload is over then.
  mutating func complete(_ request: RecordedRequest, now: Timestamp) throws(S3Error) -> StoredObject {
    let upload = try upload(request)
    let text = String(decoding: request.body, as: UTF8.self)
    var (content, digests, last) = ([UInt8](), [UInt8](), 0)
    let listed = text.matches(of: /<PartNumber>(\d+)<\/PartNumber><ETag>"([^"<]*)"<\/ETag>/)
    for (index, match) in listed.enumerated() {
      guard let number = Int(match.1), number > last else { throw S3Error(400, "InvalidPartOrder") }
      guard let part = upload.parts[number], part.etag == match.2 else { throw S3Error(400, "InvalidPart") }
      if index < listed.count - 1, part.content.count < partSizeMinimum { throw S3Error(400, "EntityTooSmall") }
      content += part.content
      digests += Digests.md5(part.content)
      last = number
    }
    guard !listed.isEmpty else { throw S3Error(400, "MalformedXML") }
    if let size = request.header("x-amz-mp-object-size"), Int(size) != content.count {
      throw S3Error(400, "InvalidRequest", "The parts have \(content.count) bytes.")
    }
    uploads[upload.number] = nil
    return StoredObject(
      content: content, etag: "\(hexadecimal(Digests.md5(digests)))-\(listed.count)", headers: upload.headers,
      modified: Int(now.nanoseconds / 1_000_000_000))
  }

  /// Loses an upload, as a server may that cleans up.
  mutating func forgetAll() { uploads = [:] }

  private func upload(_ request: RecordedRequest) throws(S3Error) -> Upload {
    let id = request.queryValue("uploadId")
    guard let upload = uploads.values.first(where: { $0.id == id }), upload.bucket == request.bucket,
      upload.key == ObjectKey(request.key)
    else { throw S3Error(404, "NoSuchUpload") }
    return upload
  }
}
