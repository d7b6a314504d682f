import Checksums
import HTTPTransport
import SlipwayModel

extension Checksum {
  /// What an answer says that the whole object's content adds up to; nil if it says nothing that we can compute. A
  /// checksum of the parts' checksums, told by `COMPOSITE` or a count behind a hyphen, is none of the content.
  init?(claimedIn fields: HTTPResponseFields) {
    if fields.text("x-amz-checksum-type") == "COMPOSITE" { return nil }
    for algorithm in [Checksum.Algorithm.crc64nvme, .crc32c, .sha256] {
      let value = fields.value("x-amz-checksum-\(algorithm.rawValue)").flatMap { bytes(ofBase64: $0) }
      if let value, !value.isEmpty {
        self.init(algorithm: algorithm, value: value)
        return
      }
    }
    return nil
  }

  /// The MD5 that an ETag is where the object was stored by one PUT and not encrypted by the server; nil if it has
  /// another form.
  init?(etag: String) {
    guard etag.utf8.count == 32, let value = hexadecimalBytes(etag.utf8) else { return nil }
    self.init(algorithm: .md5, value: value)
  }
}

/// Whether content that comes piece by piece is what it was said to be. Without a claim anything is.
struct ContentCheck: ~Copyable {
  private let claim: Checksum?
  private var digest: MessageDigest?
  private var cyclic: CyclicChecksum?

  /// Throws a permanent failure where libcrypto does not offer an algorithm that is needed.
  init(_ claim: Checksum?) throws(Failure) {
    self.claim = claim
    var digest: MessageDigest?
    if claim?.algorithm == .md5 { digest = try MessageDigest(.md5) }
    if claim?.algorithm == .sha256 { digest = try MessageDigest(.sha256) }
    self.digest = digest
    if claim?.algorithm == .crc64nvme { cyclic = CyclicChecksum(.crc64nvme) }
    if claim?.algorithm == .crc32c { cyclic = CyclicChecksum(.crc32c) }
  }

  mutating func update(_ bytes: [UInt8]) {
    digest?.update(bytes)
    cyclic?.update(bytes)
  }

  consuming func holds() throws(Failure) -> Bool {
    let (claim, cyclicValue) = (claim, cyclic?.bytes)
    let value = try digest?.finalize() ?? cyclicValue
    return claim == nil || value == claim?.value
  }
}

/// nil for anything that is not base64 with padding (RFC 4648, section 4).
func bytes(ofBase64 text: some Collection<UInt8>) -> [UInt8]? {
  var (value, bits) = (UInt32(0), 0)
  var bytes: [UInt8] = []
  for byte in text where byte != UInt8(ascii: "=") {
    guard let digit = base64Digit(byte) else { return nil }
    value = value << 6 | UInt32(digit)
    bits += 6
    if bits >= 8 {
      bits -= 8
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(bits)))
    }
  }
  return bytes.base64Text.elementsEqual(text) ? bytes : nil
}

private func base64Digit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x41...0x5A: byte - 0x41
  case 0x61...0x7A: byte - 0x61 + 26
  case 0x30...0x39: byte - 0x30 + 52
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
