import HTTPTransport
import SlipwayModel

/// What stands between the quotes of an ETag, as a header or an answer has it; empty if there is none.
func unquotedETag(_ value: ArraySlice<UInt8>?) -> ArraySlice<UInt8> {
  guard let value else { return [] }
  let quote = UInt8(ascii: "\"")
  let isQuoted = value.count >= 2 && value.first == quote && value.last == quote
  return isQuoted ? value.dropFirst().dropLast() : value
}

/// An ETag without its quotes and escaped, which hexadecimal digits need not be; at most `etagLimit` bytes of it.
func etagText(_ value: ArraySlice<UInt8>?) -> String {
  let etag = unquotedETag(value).prefix(etagLimit)
  let isPlain = etag.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == 0x2D }
  return isPlain ? String(decoding: etag, as: UTF8.self) : escaped(etag)
}

/// In bytes.
private let etagLimit = 256

extension HTTPResponseFields {
  /// Without quotes, escaped; empty if there is none.
  var etag: String { etagText(value("etag")) }
}
