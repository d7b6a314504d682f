import CLibc
import Glibc
import SlipwayModel

/// A regular file that is open for reading.
final class LocalOpenFile: OpenFile {
  let fingerprint: Fingerprint
  /// Its root need not be opened again for the next file as long as this one is open.
  private let opened: RootDirectories.Opened
  /// For messages.
  private let path: BytePath
  private let tree: BytePath

  /// Takes over the descriptor; closes it if it is no regular file. `path` lies below `tree`.
  init(_ opened: RootDirectories.Opened, path: BytePath, in tree: BytePath) throws(Failure) {
    var status = stat()
    let answer = fstat(opened.descriptor, &status)
    let number = errno
    guard answer == 0, status.isRegularFile else {
      close(opened.descriptor)
      let subject = tree.appending(path)
      throw answer == 0 ? Self.notRegular(subject) : Failure(errno: number, operation: "open", subject: subject)
    }
    self.opened = opened
    self.path = path
    self.tree = tree
    self.fingerprint = Fingerprint(status)
  }

  deinit { close(opened.descriptor) }

  var descriptor: Int32 { opened.descriptor }

  func currentFingerprint() throws(Failure) -> Fingerprint {
    var status = stat()
    if fstat(descriptor, &status) == 0 { return Fingerprint(status) }
    throw Failure(errno: errno, operation: "read", subject: tree.appending(path))
  }

  /// Where links are skipped, one on the way may be followed here: what it leads to has another inode. ENAMETOOLONG is a
  /// path beyond PATH_MAX, which is opened piece by piece.
  func fingerprintOfName() throws(Failure) -> Fingerprint? {
    do throws(ErrorNumber) {
      switch opened.symlinks {
      case .skip: return try opened.root.status(of: opened.path).map { Fingerprint($0) }
      case .follow: return try fingerprintAtEndOfLinks()
      }
    } catch {
      if LocalTreeFiles.meansAbsent(error) { return nil }
      if error.value == ENAMETOOLONG { return try currentFingerprint() }
      throw Failure(errno: error.value, operation: "read", subject: tree.appending(path))
    }
  }

  private func fingerprintAtEndOfLinks() throws(ErrorNumber) -> Fingerprint {
    let descriptor = try opened.open([], flags: slipway_open_path)
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
    return Fingerprint(status)
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
  var nanoseconds: Int64 { Int64(tv_sec) &* 1_000_000_000 &+ Int64(tv_nsec) }
}
