import Glibc
import SlipwayModel

/// A directory below which somebody writes by names that others chose: nothing that is opened through it lies outside
/// (openat2(2), RESOLVE_BENEATH). Links inside are followed as long as they stay inside. Every call may block; any
/// thread.
package struct BeneathDirectory: Sendable {
  /// The root, opened once: renamed and replaced it stays the one that was opened.
  package let root: OpenDirectory
  private let path: BytePath

  /// `path` is absolute and must exist; it may lead over links.
  package init(root path: BytePath) throws(Failure) {
    do throws(ErrorNumber) {
      root = OpenDirectory(
        owning: try PathOpening.open(path.bytes, at: AT_FDCWD, flags: O_RDONLY | O_DIRECTORY, resolution: .anywhere))
      self.path = path
    } catch {
      throw Failure(errno: error.value, operation: "open directory", subject: path)
    }
  }

  /// The directory in which `path` (relative) lies, and the last component. With `creating`, directories that are
  /// missing are made, mode 0777 as umask allows, and not synced. Refuses empty, `.` and `..` components and a NUL.
  /// May be called by several threads at once for the same path.
  package func openParent(
    of path: BytePath, creating: Bool
  ) throws(Failure) -> (directory: OpenDirectory, name: BytePath) {
    try check(path)
    let components = path.components.map { Array($0) }
    guard components.count > 1 else { return (root, path.name) }
    do throws(ErrorNumber) {
      return (OpenDirectory(owning: try open(components.dropLast(), creating)), path.name)
    } catch {
      throw Failure(errno: error.value, operation: "open directory", subject: self.path.appending(path.parent))
    }
  }

  private func check(_ path: BytePath) throws(Failure) {
    let parts = path.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { part in
      !part.isEmpty && !part.contains(0) && !part.elementsEqual([0x2E]) && !part.elementsEqual([0x2E, 0x2E])
    }
    if isPlain { return }
    throw Failure(
      .permanent, "open", self.path.appending(path).description, code: "EINVAL",
      cause: "the name has an empty, '.' or '..' component")
  }

  private func open(_ components: ArraySlice<[UInt8]>, _ creating: Bool) throws(ErrorNumber) -> Int32 {
    do throws(ErrorNumber) {
      return try openDirectory(components)
    } catch let error where error.value == ENOENT && creating {
      let above = components.dropLast()
      let parent = above.isEmpty ? root : OpenDirectory(owning: try open(above, creating))
      try makeDirectory(components.last ?? [], in: parent.descriptor)
      return try openDirectory(components)
    }
  }

  private func openDirectory(_ components: ArraySlice<[UInt8]>) throws(ErrorNumber) -> Int32 {
    try PathOpening.open(
      Array(components.joined(separator: [UInt8(ascii: "/")])), at: root.descriptor, flags: O_RDONLY | O_DIRECTORY,
      resolution: .beneath)
  }
}
