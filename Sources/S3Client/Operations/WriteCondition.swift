import HTTPTransport

/// Which object a write may replace.
package enum WriteCondition: Sendable, Hashable {
  case any
  /// None at all.
  case absent
  /// Only the one with this ETag, as the server wrote it.
  case unchanged(etag: [UInt8])

  func append(to fields: inout HTTPFields) {
    switch self {
    case .any: break
    case .absent: fields.append("if-none-match", "*")
    case .unchanged(let etag): fields.append("if-match", etag)
    }
  }

  /// Whether the answer means that another object is there than was thought. One that is gone is 404 at AWS and 412 at
  /// Ceph (Amazon S3 User Guide, "How to prevent object overwrites with conditional writes").
  package func hasFailed(_ error: S3Error) -> Bool {
    switch self {
    case .any: false
    case .absent: error.status == 412
    case .unchanged: error.status == 412 || (error.status == 404 && error.code == "NoSuchKey")
    }
  }
}
