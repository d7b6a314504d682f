import CLibc
import Glibc
import SlipwayModel
import Synchronization

/// Resolves absolute paths: to a root the way may lead over links, the operator's own word; below it over none. Roots
/// are held open, so that a thousand files of a tree cost one opening of it. Any thread.
final class RootDirectories: Sendable {
  /// Roots that nobody named: each tree is then its own.
  static let heldMax = 64

  private struct Held {
    let directory: OpenDirectory
    let device: dev_t
    let inode: ino_t
  }

  private let roots: [BytePath]
  private let held = Mutex<[BytePath: Held]>([:])

  init(_ roots: [BytePath]) {
    self.roots = roots.map(\.withoutTrailingSeparators).sorted { $0.bytes.count > $1.bytes.count }
  }

  /// Where resolving without links begins for `path`, and what remains of it, empty for the root itself.
  func root(of path: BytePath) throws(ErrorNumber) -> (directory: OpenDirectory, rest: [UInt8]) {
    for root in roots {
      guard let rest = path.relative(to: root) else { continue }
      return (try directory(root), rest == .here ? [] : rest.bytes)
    }
    return (try directory(path), [])
  }

  /// Opens `path` below `tree`. Throws what openat2(2) says; ELOOP for a link on the way.
  func open(_ path: BytePath, in tree: BytePath, flags: Int32) throws(ErrorNumber) -> Int32 {
    if Self.leadsUp(path) { throw ErrorNumber(EXDEV) }
    let (root, rest) = try root(of: tree)
    return try PathOpening.open(
      Self.join(rest, path), at: root.descriptor, flags: flags | O_NOFOLLOW, resolution: .withoutLinks)
  }

  /// The directory in which `path` below `tree` lies.
  func openParent(of path: BytePath, in tree: BytePath) throws(ErrorNumber) -> OpenDirectory {
    OpenDirectory(owning: try open(path.parent, in: tree, flags: O_RDONLY | O_DIRECTORY))
  }

  private static func join(_ rest: [UInt8], _ path: BytePath) -> [UInt8] {
    if path == .here { return rest }
    return rest.isEmpty ? path.bytes : BytePath(rest).appending(path).bytes
  }

  /// Whether a component is `..`: it would stay below the root and leave the tree.
  private static func leadsUp(_ path: BytePath) -> Bool {
    let dot = UInt8(ascii: ".")
    let hasTwoDots = path.bytes.indices.dropFirst().contains { path.bytes[$0] == dot && path.bytes[$0 - 1] == dot }
    return hasTwoDots && path.components.contains { $0.elementsEqual([dot, dot]) }
  }

  /// The directory held open for `root` as long as its path still leads to it: one stat(2) instead of opening it.
  /// While it is open its inode number cannot be given to another.
  private func directory(_ root: BytePath) throws(ErrorNumber) -> OpenDirectory {
    if let known = held.withLock({ $0[root] }), Self.isStill(known, at: root) { return known.directory }
    let descriptor = try PathOpening.open(
      root.bytes, at: AT_FDCWD, flags: O_RDONLY | O_DIRECTORY, resolution: .anywhere)
    let directory = OpenDirectory(owning: descriptor)
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
    let opened = Held(directory: directory, device: status.st_dev, inode: status.st_ino)
    held.withLock { held in
      if held.count >= Self.heldMax + roots.count { held.removeAll() }
      held[root] = opened
    }
    return directory
  }

  private static func isStill(_ known: Held, at root: BytePath) -> Bool {
    var status = stat()
    return withPathBytes(root.bytes) { stat($0, &status) } == 0 && status.st_dev == known.device
      && status.st_ino == known.inode
  }
}
