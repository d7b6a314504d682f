import CLibc
import Glibc

/// The directories from a tree's root down to where a walk stands, of any depth, with a bounded number of them open.
/// For one thread.
struct DirectoryStack: ~Copyable {
  /// Beyond that the upper ones are closed, and opened again on the way back.
  static let openLevelsMax = 128
  /// So many links to directories are followed on the way to one: links to links would otherwise make a small tree
  /// endless.
  static let linkedLevelsMax = 8

  private struct Level {
    /// -1 while it is closed.
    var descriptor: Int32
    /// Of its path, with the slash at the end; 0 for the root.
    let pathLength: Int
    /// Whether the way into it was a link.
    var isLinked = false
    /// Known from when it was closed.
    var device: dev_t = 0
    var inode: ino_t = 0
  }

  /// Where it begins: from there every directory can be found again.
  private let bottom: RootDirectories.Opened
  private var levels: [Level]
  /// The path of the current directory relative to the root, ending in a slash; empty at the root.
  private(set) var path: [UInt8] = []

  /// Takes over the descriptor of `opened`.
  init(owning opened: RootDirectories.Opened) {
    bottom = opened
    levels = [Level(descriptor: opened.descriptor, pathLength: 0)]
  }

  deinit {
    for level in levels where level.descriptor >= 0 { close(level.descriptor) }
  }

  /// The current directory's descriptor; -1 if it could not be opened again.
  var current: Int32 { levels[levels.count - 1].descriptor }

  /// The current directory's last component; empty at the root.
  var currentName: [UInt8] {
    let above = levels.count > 1 ? levels[levels.count - 2].pathLength : 0
    return Array(path[above...].dropLast())
  }

  /// Goes down into `name`. Throws, and stays, where it is no directory or cannot be read.
  mutating func push(_ name: UnsafePointer<CChar>) throws(ErrorNumber) {
    let directory = current
    push(try retryingInterrupted { openat(directory, name, Self.flags | O_NOFOLLOW) }, name, isLinked: false)
  }

  /// Goes down into the directory to which the link `name` leads. Throws, and stays, where it leads to none or out of
  /// the watched directory; ELOOP where it leads to one of those in which it lies, or too many links lead here.
  mutating func push(link name: UnsafePointer<CChar>) throws(ErrorNumber) {
    if levels.count(where: { $0.isLinked }) >= Self.linkedLevelsMax { throw ErrorNumber(ELOOP) }
    let name = UnsafeBufferPointer(start: name, count: strlen(name) + 1)
    let descriptor = try bottom.open(path + name.dropLast().map { UInt8(bitPattern: $0) }, flags: Self.flags)
    if holds(descriptor) {
      close(descriptor)
      throw ErrorNumber(ELOOP)
    }
    if let start = name.baseAddress { push(descriptor, start, isLinked: true) }
  }

  private mutating func push(_ descriptor: Int32, _ name: UnsafePointer<CChar>, isLinked: Bool) {
    path.append(contentsOf: UnsafeRawBufferPointer(start: name, count: strlen(name)))
    path.append(UInt8(ascii: "/"))
    levels.append(Level(descriptor: descriptor, pathLength: path.count, isLinked: isLinked))
    closeUpperLevel()
  }

  /// Goes up. Throws where the directory above had been closed and is no longer there; the stack stands at it all the
  /// same, without a descriptor. Never called at the root.
  mutating func pop() throws(ErrorNumber) {
    let child = levels.removeLast().descriptor
    defer { if child >= 0 { close(child) } }
    let index = levels.count - 1
    path.removeSubrange(levels[index].pathLength...)
    if levels[index].descriptor >= 0 { return }
    if child >= 0, reopen(index, PathResult { () throws(ErrorNumber) in try Self.openAbove(child) }) { return }
    if reopen(index, PathResult { () throws(ErrorNumber) in try bottom.open(path, flags: Self.flags) }) { return }
    throw ErrorNumber(ESTALE)
  }

  private static let flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC
  private typealias PathResult = Result<Int32, ErrorNumber>

  /// The root stays open: from there every other can be found again.
  private mutating func closeUpperLevel() {
    let index = levels.count - 1 - Self.openLevelsMax
    guard index > 0 else { return }
    var status = stat()
    guard levels[index].descriptor >= 0, fstat(levels[index].descriptor, &status) == 0 else { return }
    levels[index].device = status.st_dev
    levels[index].inode = status.st_ino
    close(levels[index].descriptor)
    levels[index].descriptor = -1
  }

  private static func openAbove(_ child: Int32) throws(ErrorNumber) -> Int32 {
    try retryingInterrupted { openat(child, "..", flags) }
  }

  /// Whether the directory is one of those that lead here.
  private func holds(_ descriptor: Int32) -> Bool {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return false }
    return levels.contains { level in
      var own = stat()
      if level.descriptor < 0 { return level.device == status.st_dev && level.inode == status.st_ino }
      return fstat(level.descriptor, &own) == 0 && own.st_dev == status.st_dev && own.st_ino == status.st_ino
    }
  }

  /// Whether what was opened is the directory that was closed: somebody may have moved it meanwhile.
  private mutating func reopen(_ index: Int, _ opened: PathResult) -> Bool {
    guard case .success(let descriptor) = opened else { return false }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_dev == levels[index].device, status.st_ino == levels[index].inode {
      levels[index].descriptor = descriptor
      return true
    }
    close(descriptor)
    return false
  }
}
