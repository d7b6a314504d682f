import GRDB
import Glibc
import SlipwayModel

/// What stands in front of the paths in the keys of a run: a few byte strings, stored once each. With them a row holds
/// its path once, not twice.
struct KeyHeads {
  private var run: Int64 = 0
  private var known: [(bytes: [UInt8], number: Int64)] = []
  /// A run has about one for each destination; more are looked up again.
  private static let rememberedHeads = 16

  /// The number of the head, and the rest of the key where that is not the path.
  mutating func split(
    _ key: [UInt8], path: [UInt8], run: Int64, _ database: Database
  ) throws -> (head: Int64, tail: [UInt8]?) {
    if run != self.run {
      self.run = run
      known = []
    }
    guard endsWith(key, path) else { return (try number(of: key, length: 0, database), key) }
    return (try number(of: key, length: key.count - path.count, database), nil)
  }

  /// The number of the first `length` bytes of `key`.
  private mutating func number(of key: [UInt8], length: Int, _ database: Database) throws -> Int64 {
    for head in known where head.bytes.count == length && startsWith(key, head.bytes) { return head.number }
    let bytes = Array(key[..<length])
    let found: Int64? = try database.cachedStatement(sql: "SELECT number FROM key_heads WHERE run = ? AND bytes = ?")
      .first(with: run, bytes) { $0.column(0) }
    let number = try found ?? insert(bytes, database)
    if known.count >= Self.rememberedHeads { known = [] }
    known.append((bytes, number))
    return number
  }

  private func insert(_ bytes: [UInt8], _ database: Database) throws -> Int64 {
    let numbers: [Int64] = try database.cachedStatement(
      sql: "INSERT INTO key_heads (run, number, bytes) "
        + "SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM key_heads WHERE run = ?1 RETURNING number"
    ).all(with: run, bytes) { $0.column(0) }
    guard let number = numbers.first else { throw SQLiteError(code: 0, text: "a key's head was not stored") }
    return number
  }
}

private func startsWith(_ bytes: [UInt8], _ head: [UInt8]) -> Bool {
  bytes.count >= head.count && memcmp(bytes, head, head.count) == 0
}

private func endsWith(_ bytes: [UInt8], _ tail: [UInt8]) -> Bool {
  guard bytes.count >= tail.count else { return false }
  return bytes.withUnsafeBytes { bytes in
    tail.withUnsafeBytes { tail in
      guard let base = bytes.baseAddress, let other = tail.baseAddress else { return true }
      return memcmp(base + bytes.count - tail.count, other, tail.count) == 0
    }
  }
}
