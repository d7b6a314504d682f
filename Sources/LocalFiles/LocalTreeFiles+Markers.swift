import CLibc
import Glibc
import SlipwayModel

extension LocalTreeFiles {
  package func marker(at path: BytePath) throws(Failure) -> MarkerState? {
    do throws(ErrorNumber) {
      return try markerState(path)
    } catch {
      if Self.meansAbsent(error) { return nil }
      throw Failure(errno: error.value, operation: "read", subject: path)
    }
  }

  package func removeMarker(at path: BytePath, ifStill marker: MarkerIdentity) throws(Failure) -> Bool {
    try removing(path.name, of: path.parent) { MarkerIdentity($0) == marker }
  }

  private func markerState(_ path: BytePath) throws(ErrorNumber) -> MarkerState? {
    let (descriptor, isReadable) = try openMarker(path)
    defer { close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
    guard status.isRegularFile else { return nil }
    let identity = MarkerIdentity(status)
    return MarkerState(
      identity: identity, isOpenForWriting: isReadable ? Self.hasWriter(descriptor) : nil,
      age: max(.zero, SystemClock().now() - Timestamp(nanoseconds: identity.modified)))
  }

  /// A marker says what it says by being there: one that may not be read counts too, only its writers cannot be told.
  private func openMarker(_ path: BytePath) throws(ErrorNumber) -> (descriptor: Int32, isReadable: Bool) {
    do throws(ErrorNumber) {
      return (try roots.open(path.name, in: path.parent, flags: Self.readingFlags).descriptor, true)
    } catch let error where error.value == EACCES || error.value == EPERM {
      return (try roots.open(path.name, in: path.parent, flags: slipway_open_path).descriptor, false)
    }
  }

  /// A read lease is given only while nobody has the file open for writing (fcntl(2), Leases). It is given back at
  /// once. EACCES (another user's file without CAP_LEASE) and EINVAL (no leases on this file system) tell nothing.
  private static func hasWriter(_ descriptor: Int32) -> Bool? {
    if slipway_set_lease(descriptor, F_RDLCK) == 0 {
      _ = slipway_set_lease(descriptor, F_UNLCK)
      return false
    }
    return errno == EAGAIN ? true : nil
  }
}
