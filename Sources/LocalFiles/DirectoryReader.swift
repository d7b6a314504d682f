import CLibc
import Glibc

/// Reads directories into one buffer that serves them all: no `DIR` and no allocation a directory.
package struct DirectoryReader: ~Copyable {
  /// As the kernel gives it; `unknown` where the file system does not tell.
  package enum EntryType: UInt8, Sendable {
    case unknown, directory, file, link, special

    init(kernel type: UInt8) {
      switch Int(type) {
      case Int(DT_UNKNOWN): self = .unknown
      case Int(DT_DIR): self = .directory
      case Int(DT_REG): self = .file
      case Int(DT_LNK): self = .link
      default: self = .special
      }
    }

    package init(_ status: stat) {
      switch status.type {
      case S_IFDIR: self = .directory
      case S_IFREG: self = .file
      case S_IFLNK: self = .link
      default: self = .special
      }
    }
  }

  /// In bytes; some thousand entries a call.
  private static let bufferSize = 64 << 10
  // Where the fields of struct linux_dirent64 lie (getdents(2)): inode, offset, record length, type, name.
  private static let lengthOffset = 16
  private static let typeOffset = 18
  private static let nameOffset = 19

  private let buffer: UnsafeMutableRawPointer

  package init() {
    buffer = .allocate(byteCount: Self.bufferSize, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Calls `body` with each entry but `.` and `..`, in the file system's order, from where `descriptor` stands. The
  /// name ends with a NUL and is valid during the call.
  package func read(
    _ descriptor: Int32, _ body: (_ name: UnsafePointer<CChar>, _ type: EntryType) throws(ErrorNumber) -> Void
  ) throws(ErrorNumber) {
    while true {
      let count = slipway_getdents(descriptor, buffer, Self.bufferSize)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        // A directory that was removed after it was opened: it has nothing in it.
        if errno == ENOENT { return }
        throw ErrorNumber.last
      }
      try forEachRecord(count, body)
    }
  }

  private func forEachRecord(
    _ count: Int, _ body: (UnsafePointer<CChar>, EntryType) throws(ErrorNumber) -> Void
  ) throws(ErrorNumber) {
    var offset = 0
    while offset < count {
      let record = buffer + offset
      let name = UnsafeRawPointer(record + Self.nameOffset).assumingMemoryBound(to: CChar.self)
      if !Self.isDots(name) {
        try body(name, EntryType(kernel: record.load(fromByteOffset: Self.typeOffset, as: UInt8.self)))
      }
      offset += Int(record.load(fromByteOffset: Self.lengthOffset, as: UInt16.self))
    }
  }

  private static func isDots(_ name: UnsafePointer<CChar>) -> Bool {
    name[0] == 0x2E && (name[1] == 0 || (name[1] == 0x2E && name[2] == 0))
  }
}
