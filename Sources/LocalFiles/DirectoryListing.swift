import CLibc
import Glibc

/// The names of one directory, sorted, in as little memory as they take: all names in one block, each behind its type
/// and before a NUL, and an array of their places. For one thread.
final class DirectoryListing {
  /// In bytes; more than the places of a UInt32 array can name is never read.
  static let namesSizeMax = 1 << 30
  private static let firstCapacity = 1 << 10
  private static let separator = CChar(0x2F)

  private var block: UnsafeMutablePointer<CChar>?
  private var capacity = 0
  private var used = 0
  private var places: [UInt32] = []
  private var position = 0

  /// Lists what `descriptor` is open at. Where the file system does not tell types they are asked for one by one.
  /// `inspect` is shown every name, whether or not it is kept.
  init(
    _ descriptor: Int32, _ reader: borrowing DirectoryReader, onlyDirectories: Bool = false,
    inspect: (UnsafePointer<CChar>) -> Void = { _ in }
  ) throws(ErrorNumber) {
    try reader.read(descriptor) { name, told throws(ErrorNumber) in
      inspect(name)
      let type = told == .unknown ? Self.type(of: name, in: descriptor) : told
      if let type, !onlyDirectories || type == .directory { try append(name, type) }
    }
    sort()
  }

  deinit { free(block) }

  /// The next name in byte order of the paths, a directory's as if it ended in a slash; nil at the end. The name is
  /// valid until the object goes.
  func next() -> (name: UnsafePointer<CChar>, type: DirectoryReader.EntryType)? {
    guard position < places.count, let block else { return nil }
    let record = block + Int(places[position])
    position += 1
    let type = DirectoryReader.EntryType(rawValue: UInt8(bitPattern: record[0])) ?? .unknown
    if type == .directory { record[1 + strlen(record + 1) - 1] = 0 }
    return (UnsafePointer(record + 1), type)
  }

  /// Makes `next` answer nil.
  func skipRest() {
    position = places.count
  }

  /// nil where it is gone, `unknown` where it cannot be said.
  private static func type(of name: UnsafePointer<CChar>, in directory: Int32) -> DirectoryReader.EntryType? {
    var status = stat()
    if fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return DirectoryReader.EntryType(status) }
    return errno == ENOENT ? nil : .unknown
  }

  private func append(_ name: UnsafePointer<CChar>, _ type: DirectoryReader.EntryType) throws(ErrorNumber) {
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
  private func reserve(_ count: Int) throws(ErrorNumber) {
    guard used + count > capacity else { return }
    if used + count > Self.namesSizeMax { throw ErrorNumber(EOVERFLOW) }
    let grown = max(Self.firstCapacity, capacity * 2)
    guard let moved = realloc(block, grown) else { throw ErrorNumber(ENOMEM) }
    block = moved.assumingMemoryBound(to: CChar.self)
    capacity = grown
  }

  /// Names hold neither a slash nor a NUL, so that strcmp(3), which compares unsigned bytes, gives the order of whole
  /// paths: what lies in `a` sorts as `a/` and comes after `a.txt`.
  private func sort() {
    guard let block else { return }
    let base = UnsafePointer(block)
    places.sort { strcmp(base + Int($0) + 1, base + Int($1) + 1) < 0 }
  }
}
