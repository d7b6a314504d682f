import CLibc
import Glibc
import SlipwayModel

/// The names of one directory, sorted: in memory, and where they are too many for that, in a temporary file. For one
/// thread at a time.
final class DirectoryListing {
  /// What is kept in memory of one directory, in bytes.
  static let memoryMax = 4 << 20

  private let memoryMax: Int
  private var block = NameBlock()
  private var table: NameTable?
  private var isOver = false

  /// Lists what `descriptor` is open at. Where the file system does not tell types they are asked for one by one, and
  /// where links are followed, so are those of what they lead to.
  /// `inspect` is shown every name, whether or not it is kept.
  init(
    _ descriptor: Int32, _ reader: borrowing DirectoryReader, onlyDirectories: Bool = false,
    following symlinks: SymlinkPolicy = .skip, memoryMax: Int = DirectoryListing.memoryMax,
    inspect: (UnsafePointer<CChar>) -> Void = { _ in }
  ) throws(ErrorNumber) {
    self.memoryMax = memoryMax
    try reader.read(descriptor) { name, told throws(ErrorNumber) in
      inspect(name)
      var type = told == .unknown ? Self.type(of: name, in: descriptor, AT_SYMLINK_NOFOLLOW) : told
      if type == .link, symlinks == .follow { type = Self.type(of: name, in: descriptor, 0) ?? .link }
      if let type, !onlyDirectories || type == .directory { try append(name, type) }
    }
    try moveToTable(leaving: memoryMax)
    block.sort()
    try table?.sort()
  }

  /// The next name in byte order of the paths, a directory's as if it ended in a slash; nil at the end. The name is
  /// valid until the next call. Throws what the file for a big directory says; there is nothing more to come then.
  func next() throws(ErrorNumber) -> (name: UnsafePointer<CChar>, type: DirectoryReader.EntryType)? {
    if isOver { return nil }
    guard let (name, type) = try nextRecord() else { return nil }
    if type == .directory { name[strlen(name) - 1] = 0 }
    return (UnsafePointer(name), type)
  }

  /// Makes `next` answer nil.
  func skipRest() {
    isOver = true
  }

  private func nextRecord() throws(ErrorNumber) -> (UnsafeMutablePointer<CChar>, DirectoryReader.EntryType)? {
    guard let table else { return block.next() }
    do throws(ErrorNumber) {
      return try table.next()
    } catch {
      isOver = true
      throw error
    }
  }

  /// nil where it is gone, `unknown` where it cannot be said.
  private static func type(
    of name: UnsafePointer<CChar>, in directory: Int32, _ flags: Int32
  ) -> DirectoryReader.EntryType? {
    var status = stat()
    if fstatat(directory, name, &status, flags) == 0 { return DirectoryReader.EntryType(status) }
    return errno == ENOENT ? nil : .unknown
  }

  private func append(_ name: UnsafePointer<CChar>, _ type: DirectoryReader.EntryType) throws(ErrorNumber) {
    try block.append(name, type)
    if block.used > memoryMax { try moveToTable(leaving: 0) }
  }

  /// Once there is a table all names go there, as soon as the block is full or all are read.
  private func moveToTable(leaving limit: Int) throws(ErrorNumber) {
    if table == nil, block.used <= limit { return }
    if table == nil { table = try NameTable() }
    while let (name, type) = block.next() { try table?.append(name, type) }
    block = NameBlock()
  }
}
