/// Sizes as a workflow file writes them: `16MiB`, `5GB`; one whole number and its unit.
package enum SizeText {
  /// In bytes. The binary ones first, in which limits are written.
  private static let units: [(name: String, bytes: Int64)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1),
  ]
  /// More would overflow with the largest unit.
  private static let mostDigits = 6
  /// Of bytes alone.
  private static let mostPlainDigits = 15

  static func parsed(_ text: String) -> Int64? {
    let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
    let unit = text.utf8[digits.endIndex...]
    guard let number = Int64(Substring(digits)), let found = units.first(where: { $0.name.utf8.elementsEqual(unit) })
    else { return nil }
    return digits.count <= (found.bytes == 1 ? mostPlainDigits : mostDigits) ? number * found.bytes : nil
  }

  package static func written(_ bytes: Int64) -> String {
    let unit = units.first { bytes >= $0.bytes && bytes % $0.bytes == 0 } ?? ("B", 1)
    return "\(bytes / unit.bytes)\(unit.name)"
  }
}

extension DecodingContext {
  /// In bytes.
  func size(_ node: Node, in range: ClosedRange<Int64>) -> Int64? {
    let expected = "a size with a unit (B, KiB, MiB, GiB, kB, MB, GB and so on), as in 16MiB"
    guard let text = text(node, expecting: expected) else { return nil }
    guard let size = SizeText.parsed(text) else {
      error("expected \(expected), found \(quoted(text))", at: node.mark)
      return nil
    }
    if range.contains(size) { return size }
    let bounds = "\(SizeText.written(range.lowerBound)) to \(SizeText.written(range.upperBound))"
    error("expected a size from \(bounds), found \(quoted(text))", at: node.mark)
    return nil
  }

  /// In bytes a second.
  func rate(_ node: Node, in range: ClosedRange<Int64>) -> Int64? {
    let expected = "a size per second, as in 50MiB/s"
    guard let text = text(node, expecting: expected) else { return nil }
    guard text.hasSuffix("/s"), let rate = SizeText.parsed(String(text.dropLast(2))) else {
      error("expected \(expected), found \(quoted(text))", at: node.mark)
      return nil
    }
    if range.contains(rate) { return rate }
    let bounds = "\(SizeText.written(range.lowerBound))/s to \(SizeText.written(range.upperBound))/s"
    error("expected a rate from \(bounds), found \(quoted(text))", at: node.mark)
    return nil
  }
}
