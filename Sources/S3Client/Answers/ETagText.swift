import HTTPTransport
import SlipwayModel

/// An ETag as a header or an answer has it, without its quotes and escaped; at most `etagLimit` bytes of it.
func etagText(_ value: (some Collection<UInt8>)?) -> String {
  escaped((value.map { Array($0) } ?? []).filter { $0 != UInt8(ascii: "\"") }.prefix(etagLimit))
}

/// In bytes.
private let etagLimit = 256

extension HTTPResponseFields {
  /// Without quotes, escaped; empty if there is none.
  var etag: String { etagText(value("etag")) }
}
