import CLibc
import Glibc
import SlipwayModel

/// A regular file that is open for reading.
final class LocalOpenFile: OpenFile {
  let descriptor: Int32
  let fingerprint: Fingerprint
  /// For messages.
  private let path: BytePath
  /// So that it need not be opened again for the next file.
  private let root: OpenDirectory

  /// Takes over `descriptor`; closes it if it is no regular file.
  init(owning descriptor: Int32, path: BytePath, keeping root: OpenDirectory) throws(Failure) {
    var status = stat()
    let answer = fstat(descriptor, &status)
    let number = errno
    guard answer == 0, status.isRegularFile else {
      close(descriptor)
      throw answer == 0 ? Self.notRegular(path) : Failure(errno: number, operation: "open", subject: path)
    }
    self.descriptor = descriptor
    self.path = path
    self.root = root
    self.fingerprint = Fingerprint(status)
  }

  deinit { close(descriptor) }

  func currentFingerprint() throws(Failure) -> Fingerprint {
    var status = stat()
    if fstat(descriptor, &status) == 0 { return Fingerprint(status) }
    throw Failure(errno: errno, operation: "read", subject: path)
  }

  /// Transient: it was a regular file when it was planned, and the next plan takes it for what it is now.
  private static func notRegular(_ path: BytePath) -> Failure {
    Failure(.transient(retryAfter: nil), "open", path.description, cause: "it is no longer a regular file")
  }
}

extension Fingerprint {
  package init(_ status: stat) {
    self.init(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modified: status.st_mtim.nanoseconds, changed: status.st_ctim.nanoseconds)
  }
}

extension MarkerIdentity {
  package init(_ status: stat) {
    self.init(inode: UInt64(status.st_ino), modified: status.st_mtim.nanoseconds)
  }
}

extension timespec {
  /// Wraps around outside the years 1677 to 2262, which some file systems can store: the value is compared, not read.
  fileprivate var nanoseconds: Int64 { Int64(tv_sec) &* 1_000_000_000 &+ Int64(tv_nsec) }
}
