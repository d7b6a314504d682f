import Checksums
import Glibc
import HTTPTransport
import S3Client
import SlipwayModel

/// Compares a file with a checksum that something else has. Its calls block.
struct Recognition {
  let file: any OpenFile
  /// What messages call the object.
  let subject: String
  /// The parts that this destination would send it in, in bytes.
  let partSize: Int64

  /// What is read at once, in bytes.
  private static let pieceSize = 128 << 10

  /// Whether the file has the checksum; nil where it cannot be computed.
  func has(_ checksum: Checksum) throws(Failure) -> Bool? {
    switch checksum.algorithm {
    case .md5: try digest(.md5, 0..<size) == checksum.value
    case .sha256: try digest(.sha256, 0..<size) == checksum.value
    case .crc64nvme: try cyclic(.crc64nvme) == checksum.value
    case .crc32c: try cyclic(.crc32c) == checksum.value
    case .md5OfParts: try digestOfParts(.md5) == checksum.value
    case .sha256OfParts: try digestOfParts(.sha256) == checksum.value
    }
  }

  /// What an ETag says of the content where nothing hides it: the MD5 of an object that was sent whole, or that of those
  /// of its parts, if it was cut as this destination cuts (Amazon S3 API Reference, "Object").
  func checksum(in etag: String) -> Checksum? {
    let parts = etag.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard let first = parts.first, let value = Self.bytes(hexadecimal: first), value.count == 16 else { return nil }
    if parts.count == 1 { return Checksum(algorithm: .md5, value: value) }
    guard parts.count == 2, let count = Int(Substring(parts[1])), count == plan?.count else { return nil }
    return Checksum(algorithm: .md5OfParts, value: value)
  }

  private var size: Int64 { file.fingerprint.size }
  private var plan: PartPlan? { PartPlan(size: size, wishedPartSize: partSize) }

  private func digestOfParts(_ algorithm: MessageDigest.Algorithm) throws(Failure) -> [UInt8]? {
    guard let plan else { return nil }
    var digests: [UInt8] = []
    for number in 1...plan.count { digests += try digest(algorithm, plan.range(of: number)) }
    return try MessageDigest.of(digests, by: algorithm)
  }

  fileprivate func digest(_ algorithm: MessageDigest.Algorithm) throws(Failure) -> [UInt8] {
    try digest(algorithm, 0..<size)
  }

  private func digest(_ algorithm: MessageDigest.Algorithm, _ range: Range<Int64>) throws(Failure) -> [UInt8] {
    var digest = try MessageDigest(algorithm)
    try read(range) { digest.update($0) }
    return try digest.finalize()
  }

  private func cyclic(_ code: CyclicCode) throws(Failure) -> [UInt8] {
    var checksum = CyclicChecksum(code)
    try read(0..<size) { checksum.update($0) }
    return checksum.bytes
  }

  private func read(_ range: Range<Int64>, _ take: (UnsafeRawBufferPointer) -> Void) throws(Failure) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
    defer { memory.deallocate() }
    var position = range.lowerBound
    while position < range.upperBound {
      let wanted = Int(min(range.upperBound - position, Int64(memory.count)))
      let count = pread(file.descriptor, memory.baseAddress, wanted, off_t(position))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(count) }
      take(UnsafeRawBufferPointer(rebasing: memory[..<count]))
      position += Int64(count)
    }
  }

  private func failure(_ count: Int) -> Failure {
    if count == 0 {
      return Failure(
        .transient(retryAfter: nil), "compare", subject, code: Failure.sourceChanged,
        cause: "the file changed while it was read")
    }
    return Failure(
      .transient(retryAfter: nil), "compare", subject, code: Failure.sourceUnreadable,
      cause: "the file could not be read (\(String(cString: strerror(errno))))")
  }

  private static func bytes(hexadecimal text: Substring.UTF8View) -> [UInt8]? {
    var value: [UInt8] = []
    var high: UInt8?
    for byte in text {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      if let first = high {
        value.append(first << 4 | UInt8(digit))
        high = nil
      } else {
        high = UInt8(digit)
      }
    }
    return high == nil ? value : nil
  }
}

extension S3ObjectStore {
  nonisolated(nonsending) package func recognise(
    _ file: any OpenFile, at key: ObjectKey, as known: KnownObject
  ) async throws(Failure) -> PutReceipt? {
    guard known.size == file.fingerprint.size else { return nil }
    let recognition = Recognition(file: file, subject: client.subject(key), partSize: client.partSize)
    if let checksum = known.checksum, let isEqual = try recognition.has(checksum) {
      return isEqual ? receipt(known.size, known.etag, checksum) : nil
    }
    if let checksum = recognition.checksum(in: known.etag), try recognition.has(checksum) == true {
      return receipt(known.size, known.etag, checksum)
    }
    // Encryption makes of an ETag what is no MD5; a checksum of the whole content is one all the same.
    guard let head = try await head(key), head.size == known.size, let checksum = head.checksum,
      try recognition.has(checksum) == true
    else { return nil }
    return receipt(head.size, head.etag, checksum)
  }

  private func receipt(_ size: Int64, _ etag: String, _ checksum: Checksum) -> PutReceipt {
    PutReceipt(size: size, etag: etag, checksum: checksum, isSent: false)
  }
}

extension PluginStore {
  /// A plugin that tells no sha256 shows nothing.
  nonisolated(nonsending) package func recognise(
    _ file: any OpenFile, at key: ObjectKey, as known: KnownObject
  ) async throws(Failure) -> PutReceipt? {
    guard known.size == file.fingerprint.size else { return nil }
    let recognition = Recognition(file: file, subject: key.description, partSize: 0)
    if let checksum = known.checksum {
      guard try recognition.has(checksum) == true else { return nil }
      return PutReceipt(size: known.size, etag: known.etag, checksum: checksum, isSent: false)
    }
    guard try await offers(.head), let head = try await head(key), head.size == known.size,
      let checksum = head.checksum, try recognition.has(checksum) == true
    else { return nil }
    return PutReceipt(size: head.size, etag: head.etag, checksum: checksum, isSent: false)
  }
}

extension DirectoryStore {
  /// The object's own content is read: a directory keeps no checksums.
  nonisolated(nonsending) package func recognise(
    _ file: any OpenFile, at key: ObjectKey, as known: KnownObject
  ) async throws(Failure) -> PutReceipt? {
    guard known.size == file.fingerprint.size else { return nil }
    return try await withTaskExecutorPreference(threads) { () async throws(Failure) in
      guard let object = try openObject(key), object.fingerprint.size == known.size else { return nil }
      let own = try Recognition(file: object, subject: key.description, partSize: 0).digest(.sha256)
      let checksum = Checksum(algorithm: .sha256, value: own)
      guard try Recognition(file: file, subject: key.description, partSize: 0).has(checksum) == true else { return nil }
      return PutReceipt(size: known.size, etag: "", checksum: checksum, isSent: false)
    }
  }
}
