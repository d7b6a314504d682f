import Glibc

/// Names in as little memory as they take, sorted: all in one block, each behind its type and before a NUL, and an array
/// of their places. A directory's name ends in a slash, so that it sorts as the paths below it do. For one thread.
struct NameBlock: ~Copyable {
  private static let firstCapacity = 1 << 10
  static let separator = CChar(0x2F)

  private var block: UnsafeMutablePointer<CChar>?
  private var capacity = 0
  /// In bytes.
  private(set) var used = 0
  private var places: [UInt32] = []
  private var position = 0

  deinit { free(block) }

  /// The next name and its type; nil at the end. The name is valid as long as the block.
  mutating func next() -> (name: UnsafeMutablePointer<CChar>, type: DirectoryReader.EntryType)? {
    guard position < places.count, let block else { return nil }
    let record = block + Int(places[position])
    position += 1
    return (record + 1, DirectoryReader.EntryType(rawValue: UInt8(bitPattern: record[0])) ?? .unknown)
  }

  /// The block must stay below the 4 GiB that a place can name.
  mutating func append(_ name: UnsafePointer<CChar>, _ type: DirectoryReader.EntryType) throws(ErrorNumber) {
    let length = strlen(name)
    // Type, name, a directory's slash, NUL.
    try reserve(1 + length + 2)
    guard let block else { return }
    places.append(UInt32(used))
    let record = block + used
    record[0] = CChar(bitPattern: type.rawValue)
    memcpy(record + 1, name, length)
    used += 1 + length
    if type == .directory {
      block[used] = Self.separator
      used += 1
    }
    block[used] = 0
    used += 1
  }

  /// By realloc(3), which moves the pages of a big block instead of copying them.
  private mutating func reserve(_ count: Int) throws(ErrorNumber) {
    guard used + count > capacity else { return }
    let grown = max(Self.firstCapacity, capacity * 2)
    guard let moved = realloc(block, grown) else { throw ErrorNumber(ENOMEM) }
    block = moved.assumingMemoryBound(to: CChar.self)
    capacity = grown
  }

  /// Names hold neither a slash nor a NUL, so that strcmp(3), which compares unsigned bytes, gives the order of whole
  /// paths: what lies in `a` sorts as `a/` and comes after `a.txt`.
  mutating func sort() {
    guard let block else { return }
    let base = UnsafePointer(block)
    places.sort { strcmp(base + Int($0) + 1, base + Int($1) + 1) < 0 }
  }
}
