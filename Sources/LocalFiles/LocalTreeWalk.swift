import CLibc
import Glibc
import SlipwayModel

/// A depth-first walk by openat(2), in byte order of the paths; links as the policy says. An unreadable directory is told
/// where its content would stand. What changes its type under the walk is told as a transient failure: the next walk
/// sees what it is now.
final class LocalTreeWalk: TreeWalk {
  private let tree: BytePath
  /// Kept, so that the files of the tree are opened through its root meanwhile.
  private let bottom: RootDirectories.Opened
  private let symlinks: SymlinkPolicy
  private let reader = DirectoryReader()
  private var stack: DirectoryStack
  /// One a level.
  private var listings: [DirectoryListing] = []

  /// Takes over the descriptor of `opened`, which is open at `tree` for reading.
  init(_ tree: BytePath, _ opened: RootDirectories.Opened, _ symlinks: SymlinkPolicy) throws(ErrorNumber) {
    self.tree = tree
    self.symlinks = symlinks
    bottom = RootDirectories.Opened(
      descriptor: opened.descriptor, root: opened.root, path: opened.path, symlinks: symlinks)
    stack = DirectoryStack(owning: bottom)
    listings = [try DirectoryListing(opened.descriptor, reader, following: symlinks)]
  }

  func next() -> WalkEntry? {
    while let listing = listings.last {
      do throws(ErrorNumber) {
        if let (name, type) = try listing.next() {
          if let entry = entry(name, type) { return entry }
        } else if let entry = leave() {
          return entry
        }
      } catch {
        return unreadable(currentPath, error, "sort the names of")
      }
    }
    return nil
  }

  /// nil for what is gone and for directories, into which the walk goes.
  private func entry(_ name: UnsafePointer<CChar>, _ type: DirectoryReader.EntryType) -> WalkEntry? {
    switch type {
    case .directory: enter(name)
    case .link: WalkEntry(path: path(to: name), kind: .link)
    case .special: WalkEntry(path: path(to: name), kind: .special)
    case .file, .unknown: examine(name)
    }
  }

  private func enter(_ name: UnsafePointer<CChar>) -> WalkEntry? {
    do throws(ErrorNumber) {
      try push(name)
    } catch {
      if symlinks == .follow, Self.isLink(name, in: stack.current) {
        return WalkEntry(path: path(to: name), kind: .link)
      }
      return unreadable(path(to: name), error, "read directory")
    }
    do throws(ErrorNumber) {
      listings.append(try DirectoryListing(stack.current, reader, following: symlinks))
      return nil
    } catch {
      let entry = unreadable(currentPath, error, "read directory")
      // The directory that was left a moment ago is open: going back to it cannot fail.
      _ = try? stack.pop()
      return entry
    }
  }

  private func push(_ name: UnsafePointer<CChar>) throws(ErrorNumber) {
    do throws(ErrorNumber) {
      try stack.push(name)
    } catch let error where symlinks == .follow && (error.value == ENOTDIR || error.value == ELOOP) {
      try stack.push(link: name)
    }
  }

  private func examine(_ name: UnsafePointer<CChar>) -> WalkEntry? {
    var status = stat()
    guard fstatat(stack.current, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      return unreadable(path(to: name), .last, "read")
    }
    switch DirectoryReader.EntryType(status) {
    case .file: return WalkEntry(path: path(to: name), kind: .file(Fingerprint(status)))
    case .link: return WalkEntry(path: path(to: name), kind: followed(name).map { .file($0) } ?? .link)
    case .special, .unknown: return WalkEntry(path: path(to: name), kind: .special)
    case .directory: return changed(path(to: name))
    }
  }

  /// The file to which a link leads; nil where it leads to none, out of the watched directory, or is not followed.
  private func followed(_ name: UnsafePointer<CChar>) -> Fingerprint? {
    if symlinks == .skip { return nil }
    // Whatever keeps it from being opened is no way to a file.
    guard let descriptor = try? bottom.open(path(to: name).bytes, flags: slipway_open_path) else { return nil }
    defer { close(descriptor) }
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.isRegularFile ? Fingerprint(status) : nil
  }

  private static func isLink(_ name: UnsafePointer<CChar>, in directory: Int32) -> Bool {
    var status = stat()
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && DirectoryReader.EntryType(status) == .link
  }

  /// Back to the directory above. Tells when that is no longer there; what was still to come in it is given up.
  private func leave() -> WalkEntry? {
    listings.removeLast()
    if listings.isEmpty { return nil }
    do throws(ErrorNumber) {
      try stack.pop()
      return nil
    } catch {
      listings[listings.count - 1].skipRest()
      return changed(currentPath)
    }
  }

  private func unreadable(_ path: BytePath, _ error: ErrorNumber, _ operation: String) -> WalkEntry? {
    switch error.value {
    case ENOENT: return nil
    // With O_DIRECTORY and O_NOFOLLOW: it was listed as a directory and is none now.
    case ENOTDIR, ELOOP: return changed(path)
    default:
      let subject = tree.appending(path)
      return WalkEntry(
        path: path, kind: .unreadable(Failure(errno: error.value, operation: operation, subject: subject)))
    }
  }

  private func changed(_ path: BytePath) -> WalkEntry {
    let failure = Failure(
      .transient(retryAfter: nil), "read", tree.appending(path).description, code: "ESTALE",
      cause: "it was replaced while the tree was read")
    return WalkEntry(path: path, kind: .unreadable(failure))
  }

  /// Of the directory in which the walk stands.
  private var currentPath: BytePath {
    stack.path.isEmpty ? .here : BytePath(Array(stack.path.dropLast()))
  }

  private func path(to name: UnsafePointer<CChar>) -> BytePath {
    let name = UnsafeRawBufferPointer(start: name, count: strlen(name))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(stack.path.count + name.count)
    bytes.append(contentsOf: stack.path)
    bytes.append(contentsOf: name)
    return BytePath(bytes)
  }
}
