import Glibc
import SlipwayModel
import Synchronization

/// The directory with everything that Slipway keeps between its runs, and the lock that says who uses it.
///
///     ledger.sqlite          (with -wal and -shm while it is open)
///     lock                   the pid of the process that holds it
///     control.sock           the process that holds the lock answers there
///     runs/<run id>/         what belongs to one run, its manifest above all
///     hooks/<workflow>/      what that workflow's hooks keep
///
/// The lock is flock(2)'s: it goes with the process, however that ends.
package final class StateDirectory: Sendable {
  /// Absolute.
  package let path: BytePath
  /// nil once it has been given back.
  private let lock: Mutex<Int32?>

  static let ledgerName = "ledger.sqlite"
  static let lockName = "lock"

  /// Makes the directory (mode 0700, missing parents too) and locks it. Blocks for as long as the disk does. Throws a
  /// transient failure with code `InUse` if another process has it, a fatal one with code `Unusable` if it cannot be
  /// used at all.
  package init(_ path: BytePath) throws(Failure) {
    guard String(validating: path.bytes, as: UTF8.self) != nil else {
      throw unusable(path, "its path is not UTF-8", "choose another one")
    }
    try makeDirectories(path)
    try checkOwner(of: path)
    self.path = path
    self.lock = Mutex(try takeLock(in: path))
  }

  deinit {
    unlock()
  }

  /// Lets others have the directory; nothing may be written there afterwards. May be called twice.
  func unlock() {
    let descriptor = lock.withLock { lock in
      defer { lock = nil }
      return lock
    }
    guard let descriptor else { return }
    // Closing alone is not enough: a child that has not executed its program yet holds a copy (flock(2)).
    flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
  }

  package var ledger: BytePath { path.appending(Self.ledgerName) }
}

private func makeDirectories(_ path: BytePath) throws(Failure) {
  if mkdir(path.text, 0o700) == 0 || errno == EEXIST { return }
  guard errno == ENOENT, path.parent != path, path.parent != .here else {
    throw unusable(path, systemText(errno) ?? "it cannot be made", "make it, or choose another one")
  }
  try makeDirectories(path.parent)
  if mkdir(path.text, 0o700) != 0, errno != EEXIST {
    throw unusable(path, systemText(errno) ?? "it cannot be made", "make it, or choose another one")
  }
}

/// Whoever may write there could have Slipway delete or send files in its user's name.
private func checkOwner(of path: BytePath) throws(Failure) {
  var status = stat()
  guard stat(path.text, &status) == 0 else { throw unusable(path, systemText(errno) ?? "it cannot be read", "") }
  guard status.st_mode & S_IFMT == S_IFDIR else { throw unusable(path, "it is not a directory", "choose another one") }
  guard status.st_uid == geteuid() else {
    throw unusable(
      path, "it belongs to user \(status.st_uid), and Slipway runs as user \(geteuid())", "choose another one")
  }
  let isOpenToGroup = status.st_mode & S_IWGRP != 0 && status.st_gid != primaryGroup(of: status.st_uid)
  if status.st_mode & S_IWOTH != 0 || isOpenToGroup {
    throw unusable(path, "others may write in it", "chmod go-w \(path)")
  }
}

/// nil where the user is not known.
private func primaryGroup(of user: uid_t) -> gid_t? {
  var entry = passwd()
  var found: UnsafeMutablePointer<passwd>?
  return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 * 1024) { buffer in
    guard let base = buffer.baseAddress, getpwuid_r(user, &entry, base, buffer.count, &found) == 0, found != nil
    else { return nil }
    return entry.pw_gid
  }
}

/// Locks the file `lock` and writes our pid there for the one who comes second.
private func takeLock(in path: BytePath) throws(Failure) -> Int32 {
  let descriptor = open(path.appending(StateDirectory.lockName).text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else {
    throw unusable(path, systemText(errno) ?? "it cannot be written", "make it writable, or choose another one")
  }
  guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
    defer { Glibc.close(descriptor) }
    throw errno == EWOULDBLOCK
      ? inUse(path, by: readPID(descriptor)) : unusable(path, systemText(errno) ?? "it cannot be locked", "")
  }
  let text = Array("\(getpid())\n".utf8)
  guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
    let number = errno
    Glibc.close(descriptor)
    throw unusable(
      path, systemText(number) ?? "it cannot be written", number == ENOSPC ? "make room on its file system" : "")
  }
  return descriptor
}

/// What the holder wrote; empty in the moment before it does.
func readPID(_ descriptor: Int32) -> String {
  var bytes = [UInt8](repeating: 0, count: 20)
  let count = pread(descriptor, &bytes, bytes.count, 0)
  return String(decoding: bytes.prefix(max(0, count)).prefix { (0x30...0x39).contains($0) }, as: UTF8.self)
}

private func inUse(_ path: BytePath, by pid: String) -> Failure {
  Failure(
    .transient(retryAfter: nil), "use", path.description, code: Failure.inUse,
    cause: pid.isEmpty ? "another process is using it" : "process \(pid) is using it",
    remedy: "wait until it ends, or give this one a state_dir of its own")
}

private func unusable(_ path: BytePath, _ cause: String, _ remedy: String) -> Failure {
  Failure(.fatal, "use", "the state directory \(path)", code: "Unusable", cause: cause, remedy: remedy)
}
