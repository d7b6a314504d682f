import CLibc
import Glibc
import LocalFiles

/// An inotify instance, or none while the kernel gives no more of them. For one thread.
final class Inotify {
  /// What is told of a directory; neither access nor modification: a writer's close says enough. IN_ATTRIB is what a
  /// touch by path alone (utimensat(2)) leaves of itself.
  private static let mask = UInt32(
    IN_CREATE | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)
  private static let flags = UInt32(IN_ONLYDIR | IN_EXCL_UNLINK)
  private static let doNotFollow = UInt32(IN_DONT_FOLLOW)
  /// PATH_MAX, its NUL included.
  private static let pathSizeMax = 4096

  /// -1, which poll(2) passes over, while there is none.
  private(set) var descriptor: Int32 = -1
  private let seams: WatchSeams
  private var watchesLeft: Int

  init(_ seams: WatchSeams) throws(ErrorNumber) {
    self.seams = seams
    watchesLeft = seams.watchesMax
    do throws(ErrorNumber) {
      try open()
    } catch let error where error.value == EMFILE {
      // Whoever watches is told, and lists instead.
    }
  }

  deinit { if hasInstance { close(descriptor) } }

  var hasInstance: Bool { descriptor >= 0 }

  /// EMFILE is the user's limit of instances, or the process's of open files (inotify_init(2)).
  func open() throws(ErrorNumber) {
    if seams.refusesInstance?() == true { throw ErrorNumber(EMFILE) }
    descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    if descriptor < 0 { throw ErrorNumber.last }
  }

  /// The watch of the directory at `path` (ends with a NUL), which is the same for the same directory however often
  /// it is asked for. Only to a root the path may end in a link.
  func watch(_ path: [UInt8], isRoot: Bool) throws(ErrorNumber) -> Int32 {
    if !hasInstance { throw ErrorNumber(EMFILE) }
    if watchesLeft <= 0 { throw ErrorNumber(ENOSPC) }
    let watch = path.count <= Self.pathSizeMax ? add(path, isRoot) : try addLong(Array(path.dropLast()), isRoot)
    if watch < 0 { throw ErrorNumber.last }
    if watchesLeft < Int.max { watchesLeft -= 1 }
    return watch
  }

  /// The kernel answers with IN_IGNORED. EINVAL for one that went by itself is no matter.
  func remove(_ watch: Int32) {
    if inotify_rm_watch(descriptor, watch) == 0, watchesLeft < Int.max { watchesLeft += 1 }
  }

  private func add(_ path: [UInt8], _ isRoot: Bool) -> Int32 {
    let mask = Self.mask | Self.flags | (isRoot ? 0 : Self.doNotFollow)
    return path.withUnsafeBytes { bytes in
      bytes.baseAddress.map { inotify_add_watch(descriptor, $0.assumingMemoryBound(to: CChar.self), mask) } ?? -1
    }
  }

  /// There is no call by descriptor; proc(5) gives a short path to one.
  private func addLong(_ path: [UInt8], _ isRoot: Bool) throws(ErrorNumber) -> Int32 {
    let directory = try PathOpening.open(
      path, at: AT_FDCWD, flags: slipway_open_path | O_DIRECTORY | (isRoot ? 0 : O_NOFOLLOW), resolution: .anywhere)
    defer { close(directory) }
    return add(Array("/proc/self/fd/\(directory)\0".utf8), true)
  }
}

/// One record of inotify(7); the name is valid until the next is read.
struct InotifyEvent {
  let watch: Int32
  let mask: UInt32
  /// nil for what concerns the watched directory itself.
  let name: UnsafePointer<CChar>?

  func has(_ bits: Int32) -> Bool { mask & UInt32(bitPattern: bits) != 0 }
  var isDirectory: Bool { has(Int32(IN_ISDIR)) }
}

/// Reads the kernel's queue. For one thread.
struct InotifyReader: ~Copyable {
  /// In bytes; holds some thousand records.
  static let bufferSize = 64 << 10
  /// struct inotify_event without its name: watch, mask, cookie, length of the name.
  private static let headerSize = 16
  /// The longest record: a header and a name of NAME_MAX with its NUL.
  private static let recordSizeMax = headerSize + 256

  private let buffer: UnsafeMutableRawPointer

  init() {
    buffer = .allocate(byteCount: Self.bufferSize, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Hands over what one read(2) gives, and returns whether more may be waiting.
  borrowing func read(_ descriptor: Int32, _ body: (InotifyEvent) -> Void) -> Bool {
    let size = Glibc.read(descriptor, buffer, Self.bufferSize)
    if size <= 0 { return size < 0 && errno == EINTR }
    var offset = 0
    while offset + Self.headerSize <= size {
      let record = UnsafeRawPointer(buffer + offset)
      let length = Int(record.load(fromByteOffset: 12, as: UInt32.self))
      body(
        InotifyEvent(
          watch: record.load(as: Int32.self), mask: record.load(fromByteOffset: 4, as: UInt32.self),
          name: length == 0 ? nil : (record + Self.headerSize).assumingMemoryBound(to: CChar.self)))
      offset += Self.headerSize + length
    }
    return size > Self.bufferSize - Self.recordSizeMax
  }
}
