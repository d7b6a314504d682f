import Glibc

/// Makes lines of what is read from a pipe, with bounded memory.
struct LineCutter {
  /// The longest line that is kept, in bytes.
  let limit: Int
  private var line: [UInt8] = []
  /// Whether the line under way is longer than it may be; the rest of it is left out.
  private(set) var isCut = false

  init(limit: Int) {
    self.limit = limit
  }

  /// Calls `body` for each line that ends in `bytes`, without its newline, and whether it had to be cut. Ends early where
  /// that returns false.
  mutating func append(_ bytes: UnsafeRawBufferPointer, _ body: ([UInt8], _ isCut: Bool) -> Bool) {
    var rest = bytes[...]
    while let newline = Self.newline(in: rest) {
      extend(rest[..<newline])
      rest = rest[(newline + 1)...]
      let (whole, wasCut) = (line, isCut)
      (line, isCut) = ([], false)
      if !body(whole, wasCut) { return }
    }
    extend(rest)
  }

  /// What stands behind the last newline; nil if there is nothing.
  mutating func finish() -> [UInt8]? {
    defer { (line, isCut) = ([], false) }
    return line.isEmpty && !isCut ? nil : line
  }

  private mutating func extend(_ part: Slice<UnsafeRawBufferPointer>) {
    let room = limit - line.count
    line.append(contentsOf: part.prefix(room))
    if part.count > room { isCut = true }
  }

  private static func newline(in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    let memory = UnsafeRawBufferPointer(rebasing: bytes)
    guard let base = memory.baseAddress, let found = memchr(base, 0x0A, memory.count) else { return nil }
    return bytes.startIndex + (UnsafeRawPointer(found) - base)
  }
}
