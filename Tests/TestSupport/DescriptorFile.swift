import Glibc
import SlipwayModel

/// A file opened for reading by its path, for tests of what is given an `OpenFile`.
package final class DescriptorFile: OpenFile {
  package let descriptor: Int32
  package let fingerprint: Fingerprint

  /// `fingerprint`, if given, is told in place of the file's own.
  package init(_ path: BytePath, fingerprint: Fingerprint? = nil) throws {
    descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    guard descriptor >= 0 else { throw FileProblem("open", path.description) }
    self.fingerprint = try fingerprint ?? Self.fingerprint(of: descriptor)
  }

  deinit {
    close(descriptor)
  }

  package func currentFingerprint() throws(Failure) -> Fingerprint {
    do {
      return try Self.fingerprint(of: descriptor)
    } catch {
      throw Failure(.permanent, "read", "descriptor \(descriptor)", cause: "\(error)")
    }
  }

  private static func fingerprint(of descriptor: Int32) throws -> Fingerprint {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileProblem("fstat", "descriptor \(descriptor)") }
    return Fingerprint(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim))
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
