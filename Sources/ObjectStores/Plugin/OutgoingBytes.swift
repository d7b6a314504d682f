/// Bytes that wait until a pipe has room. Pure.
struct OutgoingBytes {
  private var bytes: [UInt8] = []
  /// How many of them have gone.
  private var gone = 0

  var isEmpty: Bool { gone == bytes.count }

  /// How many bytes are kept, those that have gone included.
  var held: Int { bytes.count }

  mutating func append(_ more: [UInt8]) {
    // What is left moves only when at least as much has gone: each byte about once.
    if gone > 0, gone >= bytes.count - gone {
      bytes.removeFirst(gone)
      gone = 0
    }
    bytes += more
  }

  /// The first `count` of those that wait have gone.
  mutating func drop(_ count: Int) {
    gone += count
    if isEmpty { (bytes, gone) = ([], 0) }
  }

  /// Those that wait.
  func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[gone...])) }
  }
}
