/// Where the lines of a text begin and end, by the same breaks as libyaml counts them: LF, CR, CRLF, NEL, LS and PS.
struct LineIndex {
  /// Without their breaks.
  private let ranges: [Range<Int>]

  init(_ bytes: [UInt8]) {
    var ranges: [Range<Int>] = []
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var index = start
    while index < bytes.count {
      let length = Self.breakLength(bytes, index)
      if length > 0 {
        ranges.append(start..<index)
        start = index + length
      }
      index += max(1, length)
    }
    ranges.append(start..<bytes.count)
    self.ranges = ranges
  }

  /// Lines count from 1.
  func range(of line: Int) -> Range<Int>? {
    ranges.indices.contains(line - 1) ? ranges[line - 1] : nil
  }

  func place(ofByte offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
    let index = ranges.lastIndex { $0.lowerBound <= offset } ?? 0
    let before = bytes[ranges[index].lowerBound..<max(ranges[index].lowerBound, min(offset, bytes.count))]
    return (index + 1, 1 + before.count { $0 & 0xC0 != 0x80 })
  }

  private static func breakLength(_ bytes: [UInt8], _ index: Int) -> Int {
    switch bytes[index] {
    case 0x0A: 1
    case 0x0D: index + 1 < bytes.count && bytes[index + 1] == 0x0A ? 2 : 1
    case 0xC2 where bytes[index...].starts(with: [0xC2, 0x85]): 2
    case 0xE2 where bytes[index...].starts(with: [0xE2, 0x80, 0xA8]): 3
    case 0xE2 where bytes[index...].starts(with: [0xE2, 0x80, 0xA9]): 3
    default: 0
    }
  }
}
