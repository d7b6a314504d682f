import CLibc
import Glibc
import SlipwayModel

/// A file that is being written, beside the place where it will be.
///
/// Its name follows from the object's: what a crash left is found by the next put of the same name, and replaced.
/// Whoever writes a draft holds flock(2) on it, which tells a live one from a left-over one, also across processes.
final class DraftFile {
  private let directory: OpenDirectory
  private let key: ObjectKey
  private let name: BytePath
  private let draftName: BytePath
  let descriptor: Int32

  /// So many puts of one name at once find a draft of their own.
  private static let mostDrafts = 64

  init(for name: BytePath, in directory: OpenDirectory, key: ObjectKey) throws(Failure) {
    self.directory = directory
    self.key = key
    self.name = name
    for number in 0..<Self.mostDrafts {
      let draftName = Self.draftName(for: name, number)
      if let descriptor = try Self.open(draftName, in: directory, key) {
        self.descriptor = descriptor
        self.draftName = draftName
        return
      }
    }
    throw Failure(
      .transient(retryAfter: nil), "upload", key.description, code: "Busy",
      cause: "too many others write a file of this name")
  }

  deinit {
    close(descriptor)
  }

  /// Short, whatever the length of `name`: a name of 255 bytes has no room for a suffix. A collision costs nothing but
  /// the next number.
  private static func draftName(for name: BytePath, _ number: Int) -> BytePath {
    // FNV-1a, 64 bits.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    let digits = withUnsafeBytes(of: hash.bigEndian) { hexadecimal($0) }
    return BytePath(DestinationPath.draftPrefix + Array((number == 0 ? digits : "\(digits)-\(number)").utf8))
  }

  /// nil if somebody writes it just now.
  private static func open(_ name: BytePath, in directory: OpenDirectory, _ key: ObjectKey) throws(Failure) -> Int32? {
    let descriptor = create(name, in: directory)
    if descriptor >= 0 { return lock(descriptor, name, in: directory) }
    guard errno == EEXIST else { throw destinationFailure(errno, "upload", key.description) }
    guard try removeLeftOver(name, in: directory, key) else { return nil }
    let second = create(name, in: directory)
    if second >= 0 { return lock(second, name, in: directory) }
    // Somebody was faster.
    if errno == EEXIST { return nil }
    throw destinationFailure(errno, "upload", key.description)
  }

  /// Readable as the umask allows, as a copy by cp(1) would be.
  private static func create(_ name: BytePath, in directory: OpenDirectory) -> Int32 {
    name.withNulTerminated {
      slipway_openat2(
        directory.descriptor, $0, UInt64(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW), 0o644,
        slipway_resolve_beneath | slipway_resolve_no_symlinks)
    }
  }

  /// nil if another takes it for a left-over one between its making and this, or has removed it as one.
  private static func lock(_ descriptor: Int32, _ name: BytePath, in directory: OpenDirectory) -> Int32? {
    let isHeldByAnother = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    if !isHeldByAnother, leads(name, in: directory, to: descriptor) { return descriptor }
    close(descriptor)
    return nil
  }

  /// Only whoever holds the lock of what lies at the name removes or renames it: what is true under the lock stays true.
  private static func leads(_ name: BytePath, in directory: OpenDirectory, to descriptor: Int32) -> Bool {
    var (own, there) = (stat(), stat())
    let isThere = name.withNulTerminated { fstatat(directory.descriptor, $0, &there, AT_SYMLINK_NOFOLLOW) } == 0
    return isThere && fstat(descriptor, &own) == 0 && own.st_ino == there.st_ino && own.st_dev == there.st_dev
  }

  /// False if it is no left-over but being written.
  static func removeLeftOver(
    _ name: BytePath, in directory: OpenDirectory, _ key: ObjectKey
  ) throws(Failure) -> Bool {
    // O_NONBLOCK: whatever somebody else put there, a FIFO perhaps, must not block us.
    let descriptor = name.withNulTerminated {
      openat(directory.descriptor, $0, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
    }
    if descriptor >= 0 {
      defer { close(descriptor) }
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
      // Another has removed it meanwhile, and may write a draft of its own by now.
      if !leads(name, in: directory, to: descriptor) { return false }
      return try remove(name, in: directory, key)
    }
    if errno == ENOENT { return true }
    return try remove(name, in: directory, key)
  }

  private static func remove(_ name: BytePath, in directory: OpenDirectory, _ key: ObjectKey) throws(Failure) -> Bool {
    if name.withNulTerminated({ unlinkat(directory.descriptor, $0, 0) }) == 0 || errno == ENOENT { return true }
    throw destinationFailure(errno, "upload", key.description)
  }

  /// Writes all of `bytes` at `offset`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset) + done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw destinationFailure(count < 0 ? errno : EIO, "upload", key.description) }
      done += count
    }
  }

  /// In nanoseconds since 1970, as the source has it; the time of the last access stays.
  func setModified(_ nanoseconds: Int64) throws(Failure) {
    let seconds = nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds + 1) / 1_000_000_000 - 1
    var times = [timespec(), timespec()]
    times[0].tv_nsec = Self.omit
    times[1].tv_sec = Int(seconds)
    times[1].tv_nsec = Int(nanoseconds - seconds * 1_000_000_000)
    if futimens(descriptor, times) != 0 { throw destinationFailure(errno, "upload", key.description) }
  }

  /// UTIME_OMIT of <sys/stat.h>, a macro that Swift does not import.
  private static let omit = (1 << 30) - 2

  /// Puts the file in its place; a reader sees the old one or this one. False where a directory lies there.
  func publish() throws(Failure) -> Bool {
    let result = draftName.withNulTerminated { draft in
      name.withNulTerminated { renameat(directory.descriptor, draft, directory.descriptor, $0) }
    }
    if result == 0 { return true }
    if [EISDIR, ENOTEMPTY, EEXIST].contains(errno) { return false }
    throw destinationFailure(errno, "upload", key.description)
  }

  /// Removes what has been written so far.
  func discard() {
    // The failure that led here has been told; a left-over is replaced by the next put.
    _ = draftName.withNulTerminated { unlinkat(directory.descriptor, $0, 0) }
  }
}
