/// A request as it came over the wire.
package struct RecordedRequest: Sendable {
  /// The order of arrival, from 0.
  package internal(set) var number: Int
  package let method: String
  /// Path and query as they were sent.
  package let target: String
  /// Empty for a request without one.
  package let bucket: String
  /// Percent-decoded; empty for a request to the bucket.
  package let key: [UInt8]
  /// Decoded, in the order sent; a name without `=` has an empty value.
  package let query: [(name: String, value: String)]
  /// Names in lowercase, in the order sent.
  package let headers: [(name: String, value: String)]
  /// The whole body; empty until it has been read, as a fault may prevent.
  package internal(set) var body: [UInt8] = []
  /// Which connection it came on, counted from 0: equal numbers show that a connection was used again.
  package let connection: Int
  /// When its head had been read.
  package let time: ContinuousClock.Instant
  /// The status that was answered; nil as long as nothing was.
  package internal(set) var status: Int?

  package var keyText: String { String(decoding: key, as: UTF8.self) }

  /// The value of the only or the first header of this name; any case.
  package func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name == name }?.value
  }

  package func queryValue(_ name: String) -> String? {
    query.first { $0.name == name }?.value
  }
}

/// An object as the server holds it.
package struct StoredObject: Sendable {
  package var content: [UInt8]
  /// Without quotes.
  package var etag: String
  /// `content-type`, `x-amz-meta-…` and whatever else is given back with the object; names in lowercase.
  package var headers: [(name: String, value: String)]
  /// Seconds since 1970.
  package var modified: Int
}
