import CLibc
import Glibc
import SlipwayModel

/// The files of this machine. Every call may block in the kernel: make it from `FileThreads` or a thread of your own.
package struct LocalTreeFiles: TreeFiles {
  let roots: RootDirectories
  private(set) var symlinks = SymlinkPolicy.skip

  /// `roots` are the watched directories (absolute, normalized): to them a path may lead over links, below them only
  /// over those that a workflow follows. A tree or marker below no root counts as one itself. Sets SIGIO to be ignored
  /// in the whole process, once.
  package init(roots: [BytePath] = []) {
    self.roots = RootDirectories(roots)
    _ = Self.ignoresLeaseSignals
  }

  package func with(_ symlinks: SymlinkPolicy) -> any TreeFiles {
    var files = self
    files.symlinks = symlinks
    return files
  }

  package func walk(_ tree: BytePath) throws(Failure) -> any TreeWalk {
    do throws(ErrorNumber) {
      return try LocalTreeWalk(tree, try roots.open(.here, in: tree, flags: O_RDONLY | O_DIRECTORY), symlinks)
    } catch {
      if error.value == ENOTDIR, let file = try fingerprint(.here, in: tree) { return SingleFileWalk(file) }
      throw Failure(errno: error.value, operation: "read directory", subject: tree)
    }
  }

  package func open(_ path: BytePath, in tree: BytePath) throws(Failure) -> any OpenFile {
    let opened: RootDirectories.Opened
    do throws(ErrorNumber) {
      opened = try roots.open(path, in: tree, flags: Self.readingFlags, .thisTick, symlinks)
    } catch {
      throw Failure(errno: error.value, operation: "open", subject: tree.appending(path))
    }
    return try LocalOpenFile(opened, path: path, in: tree)
  }

  package func fingerprint(_ path: BytePath, in tree: BytePath) throws(Failure) -> Fingerprint? {
    do throws(ErrorNumber) {
      // O_PATH needs no permission to read, and with O_NOFOLLOW gives a last link itself, which is no regular file.
      let descriptor = try roots.open(path, in: tree, flags: slipway_open_path, .now, symlinks).descriptor
      defer { close(descriptor) }
      var status = stat()
      if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
      return status.isRegularFile ? Fingerprint(status) : nil
    } catch {
      if Self.meansAbsent(error) { return nil }
      throw Failure(errno: error.value, operation: "read", subject: tree.appending(path))
    }
  }

  package func identity(of directory: BytePath) throws(Failure) -> DirectoryIdentity? {
    do throws(ErrorNumber) {
      let descriptor = try roots.open(.here, in: directory, flags: O_RDONLY | O_DIRECTORY).descriptor
      defer { close(descriptor) }
      var status = stat()
      if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
      let born = slipway_birth_time(descriptor)
      return DirectoryIdentity(inode: UInt64(status.st_ino), born: born < 0 ? nil : born)
    } catch {
      if Self.meansAbsent(error) { return nil }
      throw Failure(errno: error.value, operation: "read directory", subject: directory)
    }
  }

  package func mountPoint(above directory: BytePath, in tree: BytePath) throws(Failure) -> BytePath? {
    do throws(ErrorNumber) {
      var (last, place): (BytePath?, BytePath) = (nil, .here)
      guard var device = try device(of: place, in: tree), directory != .here else { return nil }
      for component in directory.components {
        place = place.appending(BytePath(Array(component)))
        guard let own = try self.device(of: place, in: tree) else { break }
        if own != device { (last, device) = (place, own) }
      }
      return last
    } catch {
      throw Failure(errno: error.value, operation: "read directory", subject: tree.appending(directory))
    }
  }

  /// nil if no directory lies there.
  private func device(of directory: BytePath, in tree: BytePath) throws(ErrorNumber) -> dev_t? {
    do throws(ErrorNumber) {
      let descriptor = try roots.open(directory, in: tree, flags: slipway_open_path | O_DIRECTORY).descriptor
      defer { close(descriptor) }
      var status = stat()
      if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
      return status.st_dev
    } catch {
      if Self.meansAbsent(error) { return nil }
      throw error
    }
  }

  /// O_NONBLOCK: a FIFO or a device that took the place of a file must not hold the thread; regular files ignore it.
  static let readingFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY

  /// Whether nothing lies at a path that may not lead over links: ELOOP and EXDEV are a link on the way.
  static func meansAbsent(_ error: ErrorNumber) -> Bool {
    [ENOENT, ENOTDIR, ELOOP, EXDEV].contains(error.value)
  }

  /// A writer that opens a file while our lease stands makes the kernel send SIGIO, whose default ends the process
  /// (fcntl(2), Leases). Ignored for good: nothing else in this process asks for that signal.
  private static let ignoresLeaseSignals: Void = {
    signal(SIGIO, SIG_IGN)
  }()
}
