import CLibc
import Glibc
import SlipwayModel

/// A file of a queue that is locked by flock(2), which the kernel undoes when the process ends.
final class LocalFileClaim: FileClaim {
  fileprivate let descriptor: Int32
  private let working: OpenDirectory
  private let path: BytePath
  let fingerprint: Fingerprint

  /// Takes over `descriptor`, which is locked.
  init(owning descriptor: Int32, _ status: stat, in working: OpenDirectory, at path: BytePath) {
    fingerprint = Fingerprint(status)
    self.descriptor = descriptor
    self.working = working
    self.path = path
  }

  deinit { close(descriptor) }

  func state() throws(Failure) -> FileState? {
    do throws(ErrorNumber) {
      guard let status = try FileLock.status(of: path.name, in: working, ifOpenAt: descriptor) else { return nil }
      return FileState(status, isOpenForWriting: LocalTreeFiles.hasWriter(descriptor))
    } catch {
      throw Failure(errno: error.value, operation: "read", subject: path)
    }
  }
}

extension LocalFileClaim {
  func open() throws(Failure) -> any OpenFile { try ClaimedFile(self) }

  fileprivate func currentFingerprint() throws(Failure) -> Fingerprint {
    var status = stat()
    if fstat(descriptor, &status) == 0 { return Fingerprint(status) }
    throw Failure(errno: errno, operation: "read", subject: path)
  }

  fileprivate func fingerprintOfName() throws(Failure) -> Fingerprint? {
    do throws(ErrorNumber) {
      return try working.status(of: path.name.bytes).map { Fingerprint($0) }
    } catch {
      throw Failure(errno: error.value, operation: "read", subject: path)
    }
  }
}

/// A claimed file as it is read. The claim is held as long as this is.
private final class ClaimedFile: OpenFile {
  private let claim: LocalFileClaim
  let fingerprint: Fingerprint

  init(_ claim: LocalFileClaim) throws(Failure) {
    self.claim = claim
    fingerprint = try claim.currentFingerprint()
  }

  var descriptor: Int32 { claim.descriptor }
  func currentFingerprint() throws(Failure) -> Fingerprint { try claim.currentFingerprint() }
  func fingerprintOfName() throws(Failure) -> Fingerprint? { try claim.fingerprintOfName() }
}

/// flock(2) on a file, however it must be opened for that.
enum FileLock {
  /// Locks what is open at `descriptor`, and closes it where it is not locked; nil if somebody else holds it. Over NFS an
  /// exclusive lock needs a file that is open for writing (flock(2)): then `name` is opened anew.
  static func lock(_ descriptor: Int32, _ name: BytePath, in directory: OpenDirectory) throws(ErrorNumber) -> Int32? {
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
    let error = ErrorNumber.last
    if error.value == EBADF { return try lockForWriting(descriptor, name, in: directory) }
    close(descriptor)
    if error.value == EWOULDBLOCK { return nil }
    throw error
  }

  private static func lockForWriting(
    _ readOnly: Int32, _ name: BytePath, in directory: OpenDirectory
  ) throws(ErrorNumber) -> Int32? {
    defer { close(readOnly) }
    let flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC
    let descriptor = withPathBytes(name.bytes) { openat(directory.descriptor, $0, flags) }
    if descriptor < 0 { throw ErrorNumber.last }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
    let error = ErrorNumber.last
    close(descriptor)
    if error.value == EWOULDBLOCK { return nil }
    throw error
  }

  /// What the name leads to, if that is the file that is open; else nil.
  static func status(
    of name: BytePath, in directory: OpenDirectory, ifOpenAt descriptor: Int32
  ) throws(ErrorNumber) -> stat? {
    var own = stat()
    if fstat(descriptor, &own) != 0 { throw ErrorNumber.last }
    guard let there = try directory.status(of: name.bytes) else { return nil }
    return there.st_ino == own.st_ino && there.st_dev == own.st_dev ? there : nil
  }
}
