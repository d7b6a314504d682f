import Glibc
import SlipwayModel

extension Failure {
  /// The one place that says what an `errno` means. `subject` is escaped already.
  package init(errno number: Int32, operation: String, subject: String) {
    let error = ErrorNumber(number)
    self.init(
      Self.kind(of: number), operation, subject, code: error.name, cause: error.text, remedy: Self.remedy(for: number))
  }

  package init(errno number: Int32, operation: String, subject: BytePath) {
    self.init(errno: number, operation: operation, subject: subject.description)
  }

  private static func kind(of number: Int32) -> Kind {
    switch number {
    // Limits of the process or the machine, that others use up and give back; interrupted or busy.
    case EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR, EBUSY, ETXTBSY, ENOBUFS: .transient(retryAfter: nil)
    // A network file system lost its server, or the file was replaced there; a disk may be plugged in again. EIO
    // is what NFS (soft), FUSE and multipath devices answer while the other side is away.
    case EIO, ESTALE, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ENOTCONN, ENODEV, ENXIO:
      .transient(retryAfter: nil)
    // Somebody else can make room.
    case ENOSPC, EDQUOT: .transient(retryAfter: nil)
    // It was there when it was planned: the next walk plans without it, or with what lies there now.
    case ENOENT, ENOTDIR, ELOOP: .transient(retryAfter: nil)
    // Permissions, read-only file systems, names that are too long, unknown calls: the same again fails again.
    default: .permanent
    }
  }

  private static func remedy(for number: Int32) -> String {
    switch number {
    case EACCES, EPERM:
      "the user that runs slipway needs the permission: see `namei -l` of the path"
    case EMFILE: "raise the limit of open files (`ulimit -n`, LimitNOFILE= in the unit)"
    case ENFILE: "raise the system's limit of open files with `sysctl fs.file-max`"
    case ENOSPC: "make room on the file system: `df -h` and `df -i` show what is full"
    case EDQUOT: "make room in the user's quota"
    case EROFS: "mount the file system read-write"
    case EIO: "the kernel's log (`dmesg`) may tell more"
    case ENAMETOOLONG: "shorten the name: a component may have 255 bytes"
    default: ""
    }
  }
}
