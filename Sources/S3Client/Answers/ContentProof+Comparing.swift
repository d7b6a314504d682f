import Checksums
import HTTPTransport
import SlipwayModel

/// Whether an object that is there is what would be sent, by what a HEAD says of it.
extension ContentProof {
  enum Comparison {
    /// By this checksum.
    case same(Checksum)
    case different
    /// Nothing that it says can be compared.
    case unknown
  }

  func compare(_ response: HTTPResponse, _ digests: ContentDigests) -> Comparison {
    if let field = checksumField(digests), let value = response.fields.value(field.name),
      // A checksum of the parts' checksums, with their count behind it, says nothing of the whole.
      !value.contains(UInt8(ascii: "-")), let checksum = proven(digests)
    {
      return value.elementsEqual(field.value) ? .same(checksum) : .different
    }
    let etag = unquotedETag(response.fields.value("etag"))
    guard hasMD5ETags, let md5 = digests.md5, etag.count == 2 * md5.count else { return .unknown }
    return Self.isEqual(etag, md5.hexadecimalText) ? .same(Checksum(algorithm: .md5, value: md5)) : .different
  }
}
