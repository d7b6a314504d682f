import HTTPTransport

/// What must be so at a key for a write to take effect (S3 User Guide, "conditional writes").
package enum WriteCondition: Sendable, Hashable {
  case none
  /// Nothing lies there.
  case ifAbsent
  /// The object there still has this ETag, without quotes.
  case ifMatch(String)

  func append(to fields: inout HTTPFields) {
    switch self {
    case .none: break
    case .ifAbsent: fields.append("if-none-match", "*")
    case .ifMatch(let etag): fields.append("if-match", "\"\(etag)\"")
    }
  }
}
