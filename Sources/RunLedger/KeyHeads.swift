import GRDB
import Glibc
import SlipwayModel

/// What stands in front of the paths in the keys of a run: a few byte strings, stored once each. With them a row holds
/// its path once, not twice.
struct KeyHeads {
  private var run: Int64 = 0
  private var known: [(bytes: [UInt8], number: Int64)] = []
  /// The next head's, where all that the run has are known.
  private var next: Int64?
  /// A run has about one for each destination; more are looked up again.
  private static let rememberedHeads = 16

  /// From here on it is about this run; `isNew` says that it has no heads yet.
  mutating func begin(_ run: Int64, isNew: Bool) {
    if run == self.run, !isNew { return }
    self.run = run
    known = []
    next = isNew ? 1 : nil
  }

  /// The number of the head, and the rest of the key where that is not the path.
  mutating func split(
    _ key: [UInt8], path: [UInt8], _ database: Database
  ) throws -> (head: Int64, tail: [UInt8]?) {
    guard endsWith(key, path) else { return (try number(of: key, length: 0, database), key) }
    return (try number(of: key, length: key.count - path.count, database), nil)
  }

  /// The number of the first `length` bytes of `key`.
  private mutating func number(of key: [UInt8], length: Int, _ database: Database) throws -> Int64 {
    for head in known where head.bytes.count == length && startsWith(key, head.bytes) { return head.number }
    let bytes = Array(key[..<length])
    if let next {
      remember(bytes, try insert(bytes, next, database))
      return next
    }
    let found: Int64? = try database.cachedStatement(sql: "SELECT number FROM key_heads WHERE run = ? AND bytes = ?")
      .first(with: run, bytes) { $0.column(0) }
    let number = try found ?? insert(bytes, database)
    remember(bytes, number)
    return number
  }

  private mutating func remember(_ bytes: [UInt8], _ number: Int64) {
    next = next.map { $0 + 1 }
    if known.count >= Self.rememberedHeads { (known, next) = ([], nil) }
    known.append((bytes, number))
  }

  private func insert(_ bytes: [UInt8], _ database: Database) throws -> Int64 {
    let last: Int64? = try database.cachedStatement(sql: "SELECT max(number) FROM key_heads WHERE run = ?")
      .first(with: run) { $0.column(0) }
    return try insert(bytes, (last ?? 0) + 1, database)
  }

  private func insert(_ bytes: [UInt8], _ number: Int64, _ database: Database) throws -> Int64 {
    try database.cachedStatement(sql: "INSERT INTO key_heads (run, number, bytes) VALUES (?, ?, ?)")
      .execute(with: run, number, bytes)
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
