extension DecodingContext {
  /// Exactly `true` or `false`: YAML 1.1's `yes`, `no`, `on` and `off` are text.
  func boolean(_ node: Node) -> Bool? {
    guard let text = text(node, expecting: "true or false") else { return nil }
    switch text {
    case "true": return true
    case "false": return false
    default:
      error("expected true or false, found \(quoted(text))", at: node.mark)
      return nil
    }
  }

  /// Decimal digits alone, so that neither `1e3`, `0x10` nor `010` is a surprise.
  func integer(_ node: Node, in range: ClosedRange<Int>) -> Int? {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let text = text(node, expecting: expected) else { return nil }
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || !text.hasPrefix("0"),
      let number = Int(text), range.contains(number)
    {
      return number
    }
    error("expected \(expected), found \(quoted(text))", at: node.mark)
    return nil
  }
}
