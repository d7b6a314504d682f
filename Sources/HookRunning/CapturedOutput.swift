import Glibc
import SlipwayModel

/// A hook's output: its lines as they come, and its end. Memory is bounded, whatever the hook writes.
struct CapturedOutput {
  /// What is kept of a line; the rest up to its newline is left out.
  static let lineLimit = 4096

  private let onLine: ([UInt8]) -> Void
  private var kept: [UInt8] = []
  private var line: [UInt8] = []
  private var hasUnfinishedLine = false

  init(onLine: @escaping ([UInt8]) -> Void) {
    self.onLine = onLine
  }

  /// The last `HookResult.outputLimit` bytes.
  var tail: [UInt8] { Array(kept.suffix(HookResult.outputLimit)) }

  mutating func append(_ chunk: UnsafeRawBufferPointer) {
    keep(chunk)
    var rest = chunk[...]
    while let newline = Self.newline(in: rest) {
      extendLine(with: rest[..<newline])
      endLine()
      rest = rest[(newline + 1)...]
    }
    if !rest.isEmpty { extendLine(with: rest) }
  }

  /// Gives out what stands behind the last newline.
  mutating func finish() {
    if hasUnfinishedLine { endLine() }
  }

  /// Lets the bytes grow to twice the limit before the older half goes, so that few bytes are moved.
  private mutating func keep(_ chunk: UnsafeRawBufferPointer) {
    let limit = HookResult.outputLimit
    kept.append(contentsOf: chunk.suffix(limit))
    if kept.count > 2 * limit { kept.removeFirst(kept.count - limit) }
  }

  private mutating func extendLine(with part: Slice<UnsafeRawBufferPointer>) {
    hasUnfinishedLine = true
    line.append(contentsOf: part.prefix(Self.lineLimit - line.count))
  }

  private mutating func endLine() {
    onLine(line)
    line.removeAll(keepingCapacity: true)
    hasUnfinishedLine = false
  }

  private static func newline(in bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    let memory = UnsafeRawBufferPointer(rebasing: bytes)
    guard let base = memory.baseAddress, let found = memchr(base, 0x0A, memory.count) else { return nil }
    return bytes.startIndex + (UnsafeRawPointer(found) - base)
  }
}
