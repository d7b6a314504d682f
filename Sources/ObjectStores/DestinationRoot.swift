import CLibc
import Glibc
import SlipwayModel

/// A directory that is open, for calls relative to it. Closed when the last reference goes.
final class OpenDirectory: Sendable {
  let descriptor: Int32

  init(owning descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }
}

/// The root of a directory destination, held open.
final class DestinationRoot: Sendable {
  private let path: BytePath
  private let root: OpenDirectory

  /// Makes the directory and its parents where they are missing and `mayMake` says so.
  init(_ path: BytePath, mayMake: Bool) throws(Failure) {
    self.path = path
    var descriptor = Self.open(path)
    if descriptor < 0, errno == ENOENT {
      guard mayMake else {
        throw Failure(
          .blocked, "open", "the destination \(path)", code: "ENOENT", cause: "the directory is gone",
          remedy: "mount its file system, or make it again")
      }
      try Self.make(path)
      descriptor = Self.open(path)
    }
    guard descriptor >= 0 else { throw destinationFailure(errno, "open", "the destination \(path)") }
    root = OpenDirectory(owning: descriptor)
  }

  /// Whether `path` still leads to this directory.
  func isStill(at path: BytePath) -> Bool {
    var (there, here) = (stat(), stat())
    guard path.withNulTerminated({ stat($0, &there) }) == 0, fstat(root.descriptor, &here) == 0 else { return false }
    return there.st_dev == here.st_dev && there.st_ino == here.st_ino
  }

  /// Makes durable what has been written to this file system.
  func sync() throws(Failure) {
    if slipway_syncfs(root.descriptor) != 0 { throw destinationFailure(errno, "write", "the destination \(path)") }
  }

  /// Opens a directory below the root, made where it is missing; symbolic links count as long as they stay inside.
  func directory(_ components: [BytePath], for key: ObjectKey) throws(Failure) -> OpenDirectory {
    if components.isEmpty { return root }
    let whole = joined(components)
    do throws(Failure) {
      return try openMaking(components, whole, key)
    } catch let error where error.code == "ENOTDIR" {
      throw Failure.inTheWay(key, cause: "\(obstacle(on: components)) lies where its directory belongs", in: path)
    }
  }

  private func openMaking(
    _ components: [BytePath], _ whole: BytePath, _ key: ObjectKey
  ) throws(Failure) -> OpenDirectory {
    if let directory = try openBeneath(whole, key) { return directory }
    var parent = root
    for end in components.indices {
      let made = components[end].withNulTerminated { mkdirat(parent.descriptor, $0, 0o755) }
      guard made == 0 || errno == EEXIST else { throw failure(errno, key) }
      guard let next = try openBeneath(joined(components[...end]), key) else { throw failure(ENOENT, key) }
      parent = next
    }
    return parent
  }

  /// The first that is no directory.
  private func obstacle(on components: [BytePath]) -> BytePath {
    for end in components.indices {
      let path = joined(components[...end])
      let descriptor = path.withNulTerminated { openat(root.descriptor, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
      if descriptor < 0, errno == ENOTDIR { return path }
      if descriptor >= 0 { close(descriptor) }
    }
    return joined(components)
  }

  /// nil where it does not exist.
  private func openBeneath(_ relative: BytePath, _ key: ObjectKey) throws(Failure) -> OpenDirectory? {
    // openat2(2): EAGAIN where a rename raced with the check that the path stays beneath; the caller may try again.
    for _ in 0..<Self.mostRaces {
      let descriptor = relative.withNulTerminated {
        slipway_openat2(
          root.descriptor, $0, UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0,
          slipway_resolve_beneath | slipway_resolve_no_magiclinks)
      }
      if descriptor >= 0 { return OpenDirectory(owning: descriptor) }
      if errno == ENOENT { return nil }
      if errno != EAGAIN, errno != EINTR { throw failure(errno, key) }
    }
    throw failure(EAGAIN, key)
  }

  private static let mostRaces = 64

  private func failure(_ number: Int32, _ key: ObjectKey) -> Failure {
    destinationFailure(number, "upload", key.description)
  }

  private func joined(_ components: some Sequence<BytePath>) -> BytePath {
    BytePath(Array(components.map(\.bytes).joined(separator: [UInt8(ascii: "/")])))
  }

  private static func open(_ path: BytePath) -> Int32 {
    path.withNulTerminated { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
  }

  private static func make(_ path: BytePath) throws(Failure) {
    if path.withNulTerminated({ mkdir($0, 0o755) }) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, path.parent != path, path.parent != .here else {
      throw destinationFailure(errno, "make", "the destination \(path)")
    }
    try make(path.parent)
    guard path.withNulTerminated({ mkdir($0, 0o755) }) == 0 || errno == EEXIST else {
      throw destinationFailure(errno, "make", "the destination \(path)")
    }
  }
}

extension BytePath {
  /// For the C library.
  func withNulTerminated<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let characters = bytes.map { CChar(bitPattern: $0) } + [0]
    return body(characters)
  }
}
