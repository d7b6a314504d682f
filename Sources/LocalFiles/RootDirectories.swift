import CLibc
import Glibc
import SlipwayModel
import Synchronization

/// Resolves absolute paths: to a root the way may lead over links, the operator's own word; below it over none, or over
/// those that stay below it, also the operator's. A
/// root is opened once for all that is open below it at a time, and closed with the last of that, so that an idle service
/// keeps no file system from being unmounted. Any thread.
final class RootDirectories: Sendable {
  /// Beyond that, roots that have been closed are forgotten.
  static let knownMax = 64

  private struct Known {
    let path: BytePath
    weak let directory: OpenDirectory?
    let device: dev_t
    let inode: ino_t
    /// The clock's tick in which its path was seen to lead to it.
    var tick: Int64
  }

  private let roots: [BytePath]
  private let known = Mutex<[Known]>([])

  init(_ roots: [BytePath]) {
    self.roots = roots.map(\.withoutTrailingSeparators).sorted { $0.bytes.count > $1.bytes.count }
  }

  /// Where resolving without links begins for `path`, and what remains of it, empty for the root itself.
  func root(
    of path: BytePath, _ freshness: Freshness = .now
  ) throws(ErrorNumber) -> (directory: OpenDirectory, rest: [UInt8]) {
    for root in roots {
      guard let rest = path.relative(to: root) else { continue }
      return (try directory(root, freshness), rest == .here ? [] : rest.bytes)
    }
    return (try directory(path, freshness), [])
  }

  /// How lately the path of a root must have led to the directory that is open for it.
  enum Freshness {
    case now
    /// Within the same tick of the clock, some milliseconds at most: for what is compared with a fingerprint after it
    /// was opened, so that a file of a root that has just been replaced is not taken for another.
    case thisTick
  }

  /// What has been opened, and where: whoever keeps the descriptor keeps the root, too.
  struct Opened {
    let descriptor: Int32
    let root: OpenDirectory
    /// Relative to the root.
    let path: [UInt8]
    let symlinks: SymlinkPolicy

    /// Opens what lies at `below`, which may be empty, from here, as the path to it leads now.
    func open(_ below: [UInt8], flags: Int32) throws(ErrorNumber) -> Int32 {
      let whole = below.isEmpty || path.isEmpty ? path + below : path + [UInt8(ascii: "/")] + below
      return try root.open(whole, flags: flags, symlinks)
    }
  }

  /// Opens `path` below `tree`. Throws what openat2(2) says; ELOOP or EXDEV for a link that is not followed.
  func open(
    _ path: BytePath, in tree: BytePath, flags: Int32, _ freshness: Freshness = .now,
    _ symlinks: SymlinkPolicy = .skip
  ) throws(ErrorNumber) -> Opened {
    if Self.leadsUp(path) { throw ErrorNumber(EXDEV) }
    let (root, rest) = try root(of: tree, freshness)
    let whole = Self.join(rest, path)
    let descriptor = try root.open(whole, flags: flags, symlinks)
    return Opened(descriptor: descriptor, root: root, path: whole, symlinks: symlinks)
  }

  /// The directory in which `path` below `tree` lies.
  func openParent(of path: BytePath, in tree: BytePath) throws(ErrorNumber) -> OpenDirectory {
    OpenDirectory(owning: try open(path.parent, in: tree, flags: O_RDONLY | O_DIRECTORY).descriptor)
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

  /// The directory that is open for `root` already, if its path still leads to it: one stat(2) instead of opening it.
  /// While it is open its inode number cannot be given to another.
  private func directory(_ root: BytePath, _ freshness: Freshness) throws(ErrorNumber) -> OpenDirectory {
    let tick = Self.tick()
    let candidate = known.withLock { $0.first { $0.path == root } }
    if let candidate, let directory = candidate.directory {
      if freshness == .thisTick, candidate.tick == tick { return directory }
      if Self.leads(root, to: candidate) {
        note(candidate, at: tick)
        return directory
      }
    }
    let descriptor = try PathOpening.open(
      root.bytes, at: AT_FDCWD, flags: O_RDONLY | O_DIRECTORY, resolution: .anywhere)
    let directory = OpenDirectory(owning: descriptor)
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
    note(
      Known(path: root, directory: directory, device: status.st_dev, inode: status.st_ino, tick: tick), at: tick)
    return directory
  }

  private func note(_ opened: Known, at tick: Int64) {
    known.withLock { known in
      if let index = known.firstIndex(where: { $0.path == opened.path }) {
        known[index] = opened
        known[index].tick = tick
      } else {
        if known.count >= Self.knownMax { known.removeAll { $0.directory == nil } }
        known.append(opened)
      }
    }
  }

  /// CLOCK_MONOTONIC_COARSE is read without a system call, and goes on with the kernel's ticks (clock_gettime(2)).
  private static func tick() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
    return time.nanoseconds
  }

  private static func leads(_ root: BytePath, to known: Known) -> Bool {
    var status = stat()
    return withPathBytes(root.bytes) { stat($0, &status) } == 0 && status.st_dev == known.device
      && status.st_ino == known.inode
  }
}

extension OpenDirectory {
  /// Opens `path` below it.
  fileprivate func open(_ path: [UInt8], flags: Int32, _ symlinks: SymlinkPolicy) throws(ErrorNumber) -> Int32 {
    switch symlinks {
    case .skip:
      try PathOpening.open(path, at: descriptor, flags: flags | O_NOFOLLOW, resolution: .withoutLinks)
    case .follow: try PathOpening.open(path, at: descriptor, flags: flags, resolution: .beneath)
    }
  }
}
