import SlipwayModel

/// A query's parameters, sorted and encoded as they are signed, which is also how they are sent.
struct CanonicalQuery: Sendable, Hashable {
  /// Without the question mark; empty for none.
  let text: [UInt8]

  static let none = CanonicalQuery([])

  /// `value` nil is a parameter without one, such as `uploads`.
  init(_ parameters: [(name: String, value: [UInt8]?)]) {
    let encoded = parameters.map { (percentEncoded(Array($0.name.utf8)), percentEncoded($0.value ?? [])) }
    let sorted = encoded.sorted { left, right in
      left.0 == right.0 ? left.1.precedes(right.1) : left.0.precedes(right.0)
    }
    text = Array(sorted.map { $0.0 + [UInt8(ascii: "=")] + $0.1 }.joined(separator: [UInt8(ascii: "&")]))
  }
}
