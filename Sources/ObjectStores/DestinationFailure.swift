import Glibc
import SlipwayModel

/// What an error of a call on the destination means.
///
/// No room, no permission and a read-only file system stop everybody until an operator acts: `.blocked`, as
/// AccessDenied is at S3. A server behind the file system that is away is not reached. A name that cannot be stored
/// stays so: `.permanent`. Anything else may pass.
func destinationFailure(_ number: Int32, _ operation: String, _ subject: String) -> Failure {
  let (kind, code, remedy) = classification(of: number)
  return Failure(
    kind, operation, subject, code: code, cause: cause(of: number), remedy: remedy,
    isUnreachable: unreachable.contains(number))
}

extension Failure {
  /// Of a key for which there is no room beside another one.
  static func inTheWay(_ key: ObjectKey, cause: String, in directory: BytePath) -> Failure {
    Failure(
      .permanent, "upload", key.description, code: inTheWay, cause: cause,
      remedy: "a directory cannot hold both: remove what is not wanted from \(directory)")
  }
}

private let unreachable: Set<Int32> = [
  EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ENOTCONN, ENODEV, ENXIO, ESTALE, ETIMEDOUT,
]

private func classification(of number: Int32) -> (Failure.Kind, code: String, remedy: String) {
  switch number {
  case ENOSPC: (.blocked, "ENOSPC", "make room on the destination's file system")
  case EDQUOT: (.blocked, "EDQUOT", "make room in the quota of the user who runs slipway")
  case EROFS: (.blocked, "EROFS", "mount the destination's file system read-write")
  case EACCES: (.blocked, "EACCES", "let the user who runs slipway write there")
  case EPERM: (.blocked, "EPERM", "let the user who runs slipway write there")
  case ENOSYS: (.blocked, "ENOSYS", "a directory destination needs Linux 5.6 or later")
  case EXDEV: (.permanent, "EXDEV", "")
  case ELOOP: (.permanent, "ELOOP", "")
  case ENOTDIR: (.permanent, "ENOTDIR", "")
  case EISDIR: (.permanent, "EISDIR", "")
  case ENOTEMPTY, EEXIST: (.permanent, "EISDIR", "")
  case ENAMETOOLONG: (.permanent, "ENAMETOOLONG", "")
  case EINVAL: (.permanent, "EINVAL", "")
  case EFBIG: (.permanent, "EFBIG", "")
  case EIO: (.transient(retryAfter: nil), "EIO", "the kernel's log (`dmesg`) may tell more")
  case EMFILE: (.transient(retryAfter: nil), "EMFILE", "raise the limit of open files (`ulimit -n`)")
  case ENOENT: (.transient(retryAfter: nil), "ENOENT", "")
  default: (.transient(retryAfter: nil), "errno \(number)", "")
  }
}

private func cause(of number: Int32) -> String {
  switch number {
  case EXDEV: "a symbolic link in its path leads out of the destination"
  case ENOTDIR: "a file lies where a directory is needed"
  case EISDIR, ENOTEMPTY, EEXIST: "a directory lies at that name"
  default: String(cString: strerror(number))
  }
}
