import WorkflowFile

/// A size as mc takes it for a rate: `100MiB`, `1.5 GB`, `10M`, whatever the case; with `/s` behind it or not.
enum MCRate {
  enum Reading: Equatable {
    /// As a workflow file writes it.
    case rate(String)
    case unlimited
    /// Less or more than a workflow file takes.
    case outOfBounds
  }

  private static let units: [String: Double] = [
    "": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
    "ki": 0x1p10, "kib": 0x1p10, "mi": 0x1p20, "mib": 0x1p20, "gi": 0x1p30, "gib": 0x1p30, "ti": 0x1p40, "tib": 0x1p40,
  ]

  /// nil for what is no size.
  static func reading(_ text: String) -> Reading? {
    let size = text.hasSuffix("/s") ? text.dropLast(2) : text[...]
    let digits = size.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == ",") }
    let unit = size[digits.endIndex...].filter { $0 != " " }.lowercased()
    guard let number = Double(digits.filter { $0 != "," }), let factor = units[unit] else { return nil }
    let bytes = (number * factor).rounded()
    if bytes == 0 { return .unlimited }
    guard bytes >= 1024, bytes <= 0x1p40 else { return .outOfBounds }
    return .rate("\(SizeText.written(Int64(bytes)))/s")
  }
}
