import CLibc
import Glibc
import SlipwayModel

/// Files of which it matters whether somebody still writes them.
extension LocalTreeFiles {
  package func state(of path: BytePath, in tree: BytePath) throws(Failure) -> FileState? {
    do throws(ErrorNumber) {
      guard let (status, isOpenForWriting) = try look(at: path, in: tree) else { return nil }
      return FileState(status, isOpenForWriting: isOpenForWriting)
    } catch {
      if Self.meansAbsent(error) { return nil }
      throw Failure(errno: error.value, operation: "read", subject: tree.appending(path))
    }
  }

  package func marker(at path: BytePath) throws(Failure) -> MarkerState? {
    do throws(ErrorNumber) {
      guard let (status, isOpenForWriting) = try look(at: path.name, in: path.parent) else { return nil }
      return MarkerState(
        identity: MarkerIdentity(status), isOpenForWriting: isOpenForWriting, age: status.age)
    } catch {
      if Self.meansAbsent(error) { return nil }
      throw Failure(errno: error.value, operation: "read", subject: path)
    }
  }

  package func removeMarker(at path: BytePath, ifStill marker: MarkerIdentity) throws(Failure) -> Bool {
    try removing(path.name, of: path.parent) { MarkerIdentity($0) == marker }
  }

  /// nil for what is no regular file.
  private func look(
    at path: BytePath, in tree: BytePath
  ) throws(ErrorNumber) -> (status: stat, isOpenForWriting: Bool?)? {
    let (descriptor, isReadable) = try openAnyhow(path, in: tree)
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
    guard status.isRegularFile else { return nil }
    return (status, isReadable ? Self.hasWriter(descriptor) : nil)
  }

  /// One that may not be read is there as well, only its writers cannot be told.
  private func openAnyhow(
    _ path: BytePath, in tree: BytePath
  ) throws(ErrorNumber) -> (descriptor: Int32, isReadable: Bool) {
    do throws(ErrorNumber) {
      return (try roots.open(path, in: tree, flags: Self.readingFlags).descriptor, true)
    } catch let error where error.value == EACCES || error.value == EPERM {
      return (try roots.open(path, in: tree, flags: slipway_open_path).descriptor, false)
    }
  }

  /// A read lease is given only while nobody has the file open for writing (fcntl(2), Leases). It is given back at
  /// once. EACCES (another user's file without CAP_LEASE) and EINVAL (no leases on this file system) tell nothing.
  static func hasWriter(_ descriptor: Int32) -> Bool? {
    if slipway_set_lease(descriptor, F_RDLCK) == 0 {
      _ = slipway_set_lease(descriptor, F_UNLCK)
      return false
    }
    return errno == EAGAIN ? true : nil
  }
}

extension FileState {
  init(_ status: stat, isOpenForWriting: Bool?) {
    self.init(fingerprint: Fingerprint(status), isOpenForWriting: isOpenForWriting, age: status.age)
  }
}

extension stat {
  fileprivate var age: Duration { max(.zero, SystemClock().now() - Timestamp(nanoseconds: st_mtim.nanoseconds)) }
}
