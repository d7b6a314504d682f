import Glibc
import SlipwayModel

/// What the checks ask of the file system of this machine. Each call may block in the kernel.
package enum LocalInspection {
  /// By `stat`, links followed; the error number where there is none.
  static func facts(_ path: BytePath) -> Result<FileFacts, SystemError> {
    var status = stat()
    return stat(path.cString, &status) == 0 ? .success(FileFacts(status)) : .failure(SystemError(errno))
  }

  static func facts(ofDescriptor descriptor: Int32) -> Result<FileFacts, SystemError> {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? .success(FileFacts(status)) : .failure(SystemError(errno))
  }

  /// Whether this process may do what `mode` says (`R_OK`, `X_OK`).
  static func isAllowed(_ mode: Int32, _ path: BytePath) -> Bool {
    access(path.cString, mode) == 0
  }

  /// The path without links; what does not exist yet stays as it is written below what does.
  package static func resolved(_ path: BytePath) -> BytePath {
    if let whole = realPath(path) { return whole }
    if path.parent == path { return path }
    return resolved(path.parent).appending(path.name)
  }

  /// The device on which `path` lies, or would lie if it were made.
  static func device(of path: BytePath) -> UInt64? {
    if case .success(let facts) = facts(path) { return facts.device }
    return path.parent == path ? nil : device(of: path.parent)
  }

  private static func realPath(_ path: BytePath) -> BytePath? {
    guard let resolved = realpath(path.cString, nil) else { return nil }
    defer { free(resolved) }
    return BytePath(Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved))))
  }
}

/// What `stat` told of a file.
struct FileFacts {
  let device: UInt64
  let inode: UInt64
  let mode: mode_t
  let owner: uid_t
  let group: gid_t

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    mode = status.st_mode
    owner = status.st_uid
    group = status.st_gid
  }

  var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
  var isRegular: Bool { mode & S_IFMT == S_IFREG }
  var isSticky: Bool { mode & S_ISVTX != 0 }
}

/// An error number, with the kernel's words for it.
struct SystemError: Error, CustomStringConvertible {
  let number: Int32

  init(_ number: Int32) {
    self.number = number
  }

  var description: String { String(cString: strerror(number)) }
}

extension BytePath {
  /// For calls of the C library.
  var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}
