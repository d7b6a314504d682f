import Checksums
import SlipwayModel

/// What proves the object that is made of proven parts.
struct WholeProof: Sendable, Hashable {
  /// nil where the destination asks for no proof.
  var checksum: Checksum?
  /// Sent with the request that completes it, where the algorithm gives one of the whole content.
  var field: (name: String, value: [UInt8])?
  /// What the server must echo if it echoes anything.
  var echo: [UInt8]?
  /// What the ETag must be, if that is compared.
  var etag: [UInt8]?

  static func == (left: WholeProof, right: WholeProof) -> Bool {
    left.checksum == right.checksum && left.echo == right.echo && left.etag == right.etag
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(checksum)
    hasher.combine(echo)
    hasher.combine(etag)
  }
}

extension ContentProof {
  /// The algorithm for a multipart upload's own fields, and whether its value is that of the whole content or of the
  /// parts' digests (S3 User Guide, "Checking object integrity"); nil where MD5s of the parts have to do.
  var multipartAlgorithm: (name: String, type: String)? {
    switch checksum {
    case .crc64nvme: ("CRC64NVME", "FULL_OBJECT")
    case .crc32c: ("CRC32C", "FULL_OBJECT")
    case .sha256: ("SHA256", "COMPOSITE")
    case .auto, .md5, .none: nil
    }
  }

  /// What the checksum is called in an answer's XML.
  var checksumElement: String? {
    switch checksum {
    case .crc64nvme: "ChecksumCRC64NVME"
    case .crc32c: "ChecksumCRC32C"
    case .sha256: "ChecksumSHA256"
    case .auto, .md5, .none: nil
    }
  }

  /// The proof of the object of which `parts` are all parts. Throws a permanent error where libcrypto has no algorithm
  /// for it.
  func whole(of parts: [MultipartUpload.Part], size: Int64, partSize: Int64) throws(S3Error) -> WholeProof {
    var whole = WholeProof()
    do throws(Failure) {
      if verifiesETag { whole.etag = try composite(parts) }
      if let code = cyclicCode {
        let value = bytes(of: cyclic(code, parts, size, partSize))
        whole.checksum = Checksum(algorithm: checksum == .crc32c ? .crc32c : .crc64nvme, value: value)
        whole.field = ("x-amz-checksum-\(checksum.rawValue)", value.base64Text)
        whole.echo = value.base64Text
      } else if checksum == .sha256 {
        let value = try MessageDigest.of(Array(parts.map(\.checksum).joined()), by: .sha256)
        whole.checksum = Checksum(algorithm: .sha256OfParts, value: value)
        whole.echo = value.base64Text + Array("-\(parts.count)".utf8)
      } else if needsMD5 {
        let value = try MessageDigest.of(Array(parts.map(\.checksum).joined()), by: .md5)
        whole.checksum = Checksum(algorithm: .md5OfParts, value: value)
      }
    } catch {
      throw S3Error(error)
    }
    return whole
  }

  /// As S3 makes the ETag of an object of parts: the MD5 of their MD5s, a hyphen, and how many there are.
  private func composite(_ parts: [MultipartUpload.Part]) throws(Failure) -> [UInt8] {
    // Each ETag was compared with a digest when its part was sent.
    let digests = parts.flatMap { hexadecimalBytes($0.etag.utf8) ?? [] }
    return try MessageDigest.of(digests, by: .md5).hexadecimalText + Array("-\(parts.count)".utf8)
  }

  private func cyclic(_ code: CyclicCode, _ parts: [MultipartUpload.Part], _ size: Int64, _ partSize: Int64) -> UInt64 {
    let plan = PartPlan(size: size, partSize: partSize)
    var value: UInt64 = 0
    for part in parts {
      let own = part.checksum.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let range = plan.range(of: part.number)
      value = part.number == 1 ? own : code.combine(value, own, count: range.upperBound - range.lowerBound)
    }
    return value
  }

  private func bytes(of value: UInt64) -> [UInt8] {
    stride(from: checksum == .crc32c ? 24 : 56, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: value >> UInt64($0))
    }
  }
}
