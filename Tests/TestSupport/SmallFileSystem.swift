import Glibc
import SlipwayModel

/// A tmpfs of a few kilobytes, to see what happens when it is full. Unmounted when the object goes.
package final class SmallFileSystem: Sendable {
  private let directory: TemporaryDirectory

  /// Mounting needs root and CAP_SYS_ADMIN; a test says so in its condition.
  package static let isAvailable: Bool = (try? SmallFileSystem(kilobytes: 64)) != nil

  package init(kilobytes: Int) throws {
    directory = try TemporaryDirectory()
    guard mount("tmpfs", directory.path.description, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
      throw FileProblem("mount", directory.path.description)
    }
  }

  deinit {
    umount2(directory.path.description, Int32(MNT_DETACH))
  }

  package var path: BytePath { directory.path }

  /// Takes all the space that is left; `release` gives it back.
  package func fill() throws {
    let descriptor = path.appending("filling").withCString { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { throw FileProblem("open", "filling") }
    defer { close(descriptor) }
    let block = [UInt8](repeating: 0, count: 4096)
    while Glibc.write(descriptor, block, block.count) > 0 {}
    guard errno == ENOSPC else { throw FileProblem("write", "filling") }
  }

  package func release() {
    _ = path.appending("filling").withCString { unlink($0) }
  }
}
