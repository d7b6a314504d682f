import Glibc
import LocalFiles
import SlipwayModel

/// Where a hook by hand keeps its files: the directory that the user names, or a temporary one.
struct ScratchState {
  let path: BytePath
  private let isTemporary: Bool

  /// nil makes a temporary directory.
  init(at path: BytePath?) throws(Failure) {
    if let path {
      self.path = path
      isTemporary = false
      return
    }
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/slipway-hook-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure(errno: errno, operation: "make a directory in", subject: escaped(base.utf8))
    }
    self.path = BytePath(template.dropLast().map { UInt8(bitPattern: $0) })
    isTemporary = true
  }

  /// Removes a temporary directory; hooks may have left anything in it. What cannot be removed stays in TMPDIR.
  func remove() {
    guard isTemporary else { return }
    let files = LocalTreeFiles(roots: [path])
    if let walk = try? files.walk(path) {
      while let entry = walk.next() { unlink(String(decoding: path.appending(entry.path).bytes, as: UTF8.self)) }
    }
    try? files.removeEmptyDirectories(in: path, keepingRoot: false)
  }
}
