import CLibc
import Glibc
import SlipwayModel

/// What is done with a tree that has been delivered.
extension LocalTreeFiles {
  /// How many names are tried for a tree whose own is taken.
  static let suffixMax = 100_000

  /// Compares without the device, which changes with a reboot: the fingerprint may come from the ledger.
  package func remove(
    _ path: BytePath, in tree: BytePath, ifStill fingerprint: Fingerprint
  ) throws(Failure) -> Bool {
    try removing(path, of: tree) { Fingerprint($0).matchesAcrossProcesses(fingerprint) }
  }

  package func removeEmptyDirectories(in tree: BytePath, keepingRoot: Bool) throws(Failure) {
    do throws(ErrorNumber) {
      let opened = try roots.open(.here, in: tree, flags: O_RDONLY | O_DIRECTORY)
      try DirectoryRemoval(of: .emptyDirectories, in: opened).run()
      if keepingRoot { return }
      let parent = try openContainer(of: tree)
      try DirectoryRemoval.remove(tree.name.bytes, from: parent.descriptor)
    } catch {
      if error.value == ENOENT { return }
      throw Failure(errno: error.value, operation: "remove empty directories of", subject: tree)
    }
  }

  package func move(_ tree: BytePath, into directory: BytePath) throws(Failure) -> BytePath {
    do throws(ErrorNumber) {
      let target = try openMaking(directory)
      let source = try openContainer(of: tree)
      let name = try rename(tree.name.bytes, from: source, to: target)
      try target.synchronize()
      try source.synchronize()
      return directory.appending(BytePath(name))
    } catch {
      throw Self.moveFailure(error, tree, directory)
    }
  }

  /// Unlinks what lies at `path` if it is a regular file for which `isSame` holds.
  func removing(_ path: BytePath, of tree: BytePath, _ isSame: (stat) -> Bool) throws(Failure) -> Bool {
    // Of a tree that is one file.
    if path == .here { return try removing(tree.name, of: tree.parent, isSame) }
    do throws(ErrorNumber) {
      let parent = try roots.openParent(of: path, in: tree)
      let name = path.name.bytes
      guard let status = try parent.status(of: name) else { return true }
      guard status.isRegularFile, isSame(status) else { return false }
      let answer = withPathBytes(name) { unlinkat(parent.descriptor, $0, 0) }
      if answer != 0, errno != ENOENT { throw ErrorNumber.last }
      return true
    } catch {
      // ENOENT: its directory is gone, and it with it. Over a link lies another file than the one that was planned.
      if error.value == ENOENT { return true }
      if Self.meansAbsent(error) { return false }
      throw Failure(errno: error.value, operation: "remove", subject: tree.appending(path))
    }
  }

  /// The directory in which `tree` lies; of a root, the one its path names.
  private func openContainer(of tree: BytePath) throws(ErrorNumber) -> OpenDirectory {
    OpenDirectory(owning: try roots.open(.here, in: tree.parent, flags: O_RDONLY | O_DIRECTORY).descriptor)
  }

  func openMaking(_ directory: BytePath) throws(ErrorNumber) -> OpenDirectory {
    let (flags, resolution) = (O_RDONLY | O_DIRECTORY, PathResolution.anywhere)
    do throws(ErrorNumber) {
      return OpenDirectory(
        owning: try PathOpening.open(directory.bytes, at: AT_FDCWD, flags: flags, resolution: resolution))
    } catch let error where error.value == ENOENT && directory.parent != directory {
      let parent = try openMaking(directory.parent)
      try makeDirectory(directory.name.bytes, in: parent.descriptor)
      return OpenDirectory(
        owning: try PathOpening.open(
          directory.name.bytes, at: parent.descriptor, flags: flags, resolution: resolution))
    }
  }

  func rename(
    _ name: [UInt8], from source: OpenDirectory, to target: OpenDirectory
  ) throws(ErrorNumber) -> [UInt8] {
    for suffix in 0..<Self.suffixMax {
      let candidate = suffix == 0 ? name : name + Array("-\(suffix)".utf8)
      let answer = withPathBytes(name) { from in
        withPathBytes(candidate) { slipway_rename_no_replace(source.descriptor, from, target.descriptor, $0) }
      }
      if answer == 0 { return candidate }
      let error = ErrorNumber.last
      if error.value == EEXIST { continue }
      // The file system, or the kernel, knows no RENAME_NOREPLACE (renameat2(2)).
      guard error.value == EINVAL || error.value == ENOSYS else { throw error }
      if try renameReserving(name, from: source, to: target, as: candidate) { return candidate }
    }
    throw ErrorNumber(EEXIST)
  }

  /// An empty directory of our own, or file for a file, keeps the name free of others until rename(2) replaces it,
  /// which it may.
  private func renameReserving(
    _ name: [UInt8], from source: OpenDirectory, to target: OpenDirectory, as candidate: [UInt8]
  ) throws(ErrorNumber) -> Bool {
    let isFile = try source.status(of: name)?.isRegularFile == true
    if try !reserve(candidate, in: target, isFile: isFile) { return false }
    let answer = withPathBytes(name) { from in
      withPathBytes(candidate) { renameat(source.descriptor, from, target.descriptor, $0) }
    }
    if answer == 0 { return true }
    let error = ErrorNumber.last
    _ = withPathBytes(candidate) { unlinkat(target.descriptor, $0, isFile ? 0 : AT_REMOVEDIR) }
    throw error
  }

  private func reserve(_ name: [UInt8], in directory: OpenDirectory, isFile: Bool) throws(ErrorNumber) -> Bool {
    let answer = withPathBytes(name) { name in
      isFile
        ? openat(directory.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        : mkdirat(directory.descriptor, name, 0o777)
    }
    if answer >= 0 {
      if isFile { close(answer) }
      return true
    }
    if errno == EEXIST { return false }
    throw ErrorNumber.last
  }

  static func moveFailure(_ error: ErrorNumber, _ tree: BytePath, _ directory: BytePath) -> Failure {
    let failure = Failure(errno: error.value, operation: "move", subject: "\(tree) into \(directory)")
    guard error.value == EXDEV else { return failure }
    return Failure(
      .permanent, failure.operation, failure.subject, code: failure.code, cause: "they lie on different file systems",
      remedy: "name a directory on the file system of \(tree.parent)")
  }
}

/// mkdirat(2); a directory that is there already is as good.
func makeDirectory(_ name: [UInt8], in directory: Int32) throws(ErrorNumber) {
  if withPathBytes(name, { mkdirat(directory, $0, 0o777) }) != 0, errno != EEXIST { throw ErrorNumber.last }
}
