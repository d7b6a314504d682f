/// A path or a part of one, as the bytes that the kernel gave.
///
/// Two paths are equal when their bytes are: `String` would fold NFC and NFD into one. The bytes contain no NUL.
public struct BytePath: Hashable, Sendable {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  public init(_ text: String) {
    self.bytes = Array(text.utf8)
  }

  /// The name of a watched directory that is itself a tree.
  public static let here = BytePath(".")

  static let separator = UInt8(ascii: "/")

  public var isAbsolute: Bool { bytes.first == Self.separator }

  /// The non-empty components between the separators.
  public var components: [ArraySlice<UInt8>] {
    bytes.split(separator: Self.separator, omittingEmptySubsequences: true)
  }

  /// The last component; empty for `/` and the empty path.
  public var name: BytePath {
    var end = bytes.endIndex
    while end > 0, bytes[end - 1] == Self.separator { end -= 1 }
    var start = end
    while start > 0, bytes[start - 1] != Self.separator { start -= 1 }
    return start == 0 && end == bytes.count ? self : BytePath(Array(bytes[start..<end]))
  }

  /// Whether the last component is `name`, which is one component; makes no path for it.
  public func hasName(_ name: BytePath) -> Bool {
    let (count, length) = (bytes.count, name.bytes.count)
    if length == 0 || bytes.last == Self.separator { return self.name == name }
    guard count >= length, count == length || bytes[count - length - 1] == Self.separator else { return false }
    return bytes[(count - length)...].elementsEqual(name.bytes)
  }

  /// The path without its last component: `.` for a single relative name, `/` for the root and its children.
  public var parent: BytePath {
    var end = bytes.endIndex
    while end > 1, bytes[end - 1] == Self.separator { end -= 1 }
    while end > 0, bytes[end - 1] != Self.separator { end -= 1 }
    while end > 1, bytes[end - 1] == Self.separator { end -= 1 }
    return end == 0 ? .here : BytePath(Array(bytes[..<end]))
  }

  /// `other` below this path; an absolute `other` is appended as it is, `.` changes nothing.
  public func appending(_ other: BytePath) -> BytePath {
    if other == .here || other.bytes.isEmpty { return self }
    if self == .here || bytes.isEmpty { return other }
    var joined = [UInt8]()
    joined.reserveCapacity(bytes.count + 1 + other.bytes.count)
    joined.append(contentsOf: bytes)
    if joined.last != Self.separator { joined.append(Self.separator) }
    joined.append(contentsOf: other.bytes.first == Self.separator ? other.bytes.dropFirst() : other.bytes[...])
    return BytePath(joined)
  }

  public func appending(_ other: String) -> BytePath {
    appending(BytePath(other))
  }

  /// Whether the path is `ancestor` or lies below it, by whole components.
  public func isWithin(_ ancestor: BytePath) -> Bool {
    offset(below: ancestor) != nil
  }

  /// What remains below `ancestor`, `.` for the same path, nil if it does not lie there.
  public func relative(to ancestor: BytePath) -> BytePath? {
    guard let start = offset(below: ancestor) else { return nil }
    if start == 0 { return self }
    return start == bytes.count ? .here : BytePath(Array(bytes[start...]))
  }

  /// Where the part below `ancestor` begins.
  private func offset(below ancestor: BytePath) -> Int? {
    if ancestor == .here { return isAbsolute ? nil : 0 }
    let stem = ancestor.withoutTrailingSeparators.bytes
    guard bytes.starts(with: stem) else { return nil }
    var start = stem.count
    if start == bytes.count { return start }
    guard stem.last == Self.separator || bytes[start] == Self.separator else { return nil }
    while start < bytes.count, bytes[start] == Self.separator { start += 1 }
    return start
  }

  /// The path without `.`, empty and `..` components, resolved by text alone as `realpath -sm` does.
  public var normalized: BytePath {
    var kept: [ArraySlice<UInt8>] = []
    for component in components where component.elementsEqual(Self.here.bytes) == false {
      if component.elementsEqual([0x2E, 0x2E]), let last = kept.last, !last.elementsEqual([0x2E, 0x2E]) {
        kept.removeLast()
      } else if !(isAbsolute && component.elementsEqual([0x2E, 0x2E])) {
        kept.append(component)
      }
    }
    let joined = Array(kept.joined(separator: [Self.separator]))
    if isAbsolute { return BytePath([Self.separator] + joined) }
    return joined.isEmpty ? .here : BytePath(joined)
  }

  public var withoutTrailingSeparators: BytePath {
    var end = bytes.endIndex
    while end > 1, bytes[end - 1] == Self.separator { end -= 1 }
    return end == bytes.endIndex ? self : BytePath(Array(bytes[..<end]))
  }
}

extension BytePath: Comparable {
  public static func < (left: BytePath, right: BytePath) -> Bool {
    left.bytes.precedes(right.bytes)
  }
}

extension BytePath: CustomStringConvertible {
  /// The path for people: see `escaped(_:)`. Never a name to open.
  public var description: String { escaped(bytes) }
}

extension [UInt8] {
  /// Byte order, the order of S3 keys.
  public func precedes(_ other: [UInt8]) -> Bool {
    withUnsafeBufferPointer { left in
      other.withUnsafeBufferPointer { right in
        let common = Swift.min(left.count, right.count)
        for index in 0..<common where left[index] != right[index] { return left[index] < right[index] }
        return left.count < right.count
      }
    }
  }
}
