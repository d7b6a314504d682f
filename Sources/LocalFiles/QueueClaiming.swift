import CLibc
import Glibc
import SlipwayModel

/// Claims the files of one queue. For one thread.
struct QueueClaiming {
  let source: OpenDirectory
  let working: OpenDirectory
  /// For messages, and for the claims.
  let directory: BytePath
  let workingPath: BytePath

  /// Where the kernel does not tell who writes it, the file is claimed if it is to be `believed`, and told of otherwise.
  func claim(_ name: BytePath, believing isBelieved: Bool) -> ClaimAnswer {
    do throws(ErrorNumber) {
      switch try Self.open(name, in: source) {
      case .absent: return .taken
      case .other: return .notAFile
      case .file(let descriptor, let status):
        let isWritten = LocalTreeFiles.hasWriter(descriptor)
        if isWritten == false || isWritten == nil && isBelieved { return try rename(name, descriptor) }
        close(descriptor)
        return isWritten == true ? .written : .unsure(FileState(status, isOpenForWriting: nil))
      }
    } catch {
      return .failed(failure(error, name))
    }
  }

  /// Takes over `descriptor`.
  private func rename(_ name: BytePath, _ descriptor: Int32) throws(ErrorNumber) -> ClaimAnswer {
    let answer = withPathBytes(name.bytes) {
      slipway_rename_no_replace(source.descriptor, $0, working.descriptor, $0)
    }
    if answer == 0 { return try Self.hold(descriptor, name, in: working, at: workingPath) }
    let error = ErrorNumber.last
    switch error.value {
    // The file system, or the kernel, knows no RENAME_NOREPLACE (renameat2(2)).
    case EINVAL, ENOSYS, EOPNOTSUPP: return try link(name, descriptor)
    default: close(descriptor)
    }
    if error.value == ENOENT { return .taken }
    if error.value == EEXIST { return .nameTaken }
    throw error
  }

  /// Without it: whoever holds the lock links the file into `working`, which overwrites nothing, and takes its first name
  /// away. Between the two both names lead to it, and whoever comes by it then goes on from there.
  private func link(_ name: BytePath, _ descriptor: Int32) throws(ErrorNumber) -> ClaimAnswer {
    guard let locked = try FileLock.lock(descriptor, name, in: source) else { return .taken }
    let answer = withPathBytes(name.bytes) { linkat(source.descriptor, $0, working.descriptor, $0, 0) }
    let error = ErrorNumber.last
    do throws(ErrorNumber) {
      if answer != 0, error.value != EEXIST { throw error }
      let isOurs = try FileLock.status(of: name, in: working, ifOpenAt: locked) != nil
      if isOurs, try FileLock.status(of: name, in: source, ifOpenAt: locked) != nil {
        _ = withPathBytes(name.bytes) { unlinkat(source.descriptor, $0, 0) }
      }
      if isOurs, let status = try FileLock.status(of: name, in: working, ifOpenAt: locked) {
        return .claimed(LocalFileClaim(owning: locked, status, in: working, at: workingPath.appending(name)))
      }
    } catch {
      close(locked)
      if error.value == ENOENT { return .taken }
      throw error
    }
    close(locked)
    return .nameTaken
  }

  /// What lies in `working` already.
  static func takeUp(_ name: BytePath, in working: OpenDirectory, at path: BytePath) -> ClaimAnswer {
    do throws(ErrorNumber) {
      switch try open(name, in: working) {
      case .absent: return .taken
      case .other: return .notAFile
      case .file(let descriptor, _): return try hold(descriptor, name, in: working, at: path)
      }
    } catch {
      return .failed(Failure(errno: error.value, operation: "claim", subject: path.appending(name)))
    }
  }

  /// Locks the file; takes over `descriptor`. Where another file has come to the name meanwhile, that one is tried.
  private static func hold(
    _ descriptor: Int32, _ name: BytePath, in working: OpenDirectory, at path: BytePath
  ) throws(ErrorNumber) -> ClaimAnswer {
    guard let locked = try FileLock.lock(descriptor, name, in: working) else { return .taken }
    let status: stat?
    do throws(ErrorNumber) {
      status = try FileLock.status(of: name, in: working, ifOpenAt: locked)
    } catch {
      close(locked)
      throw error
    }
    if let status {
      return .claimed(LocalFileClaim(owning: locked, status, in: working, at: path.appending(name)))
    }
    close(locked)
    return takeUp(name, in: working, at: path)
  }

  private enum Opened {
    case absent, other
    case file(Int32, stat)
  }

  private static func open(_ name: BytePath, in directory: OpenDirectory) throws(ErrorNumber) -> Opened {
    let flags = LocalTreeFiles.readingFlags | O_NOFOLLOW | O_CLOEXEC
    let descriptor = withPathBytes(name.bytes) { openat(directory.descriptor, $0, flags) }
    guard descriptor >= 0 else {
      let error = ErrorNumber.last
      switch error.value {
      case ENOENT: return .absent
      // A link, a socket or a device.
      case ELOOP, ENXIO, ENODEV: return .other
      default: throw error
      }
    }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.isRegularFile { return .file(descriptor, status) }
    close(descriptor)
    return .other
  }

  private func failure(_ error: ErrorNumber, _ name: BytePath) -> Failure {
    let failure = Failure(errno: error.value, operation: "claim", subject: directory.appending(name))
    guard error.value == EXDEV else { return failure }
    return Failure(
      .permanent, "claim", failure.subject, code: failure.code,
      cause: "\(workingPath) lies on another file system", remedy: "name a directory on the file system of \(directory)"
    )
  }
}
