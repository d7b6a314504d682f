import CLibc
import Glibc

/// A directory that is held open. Closed when the last reference goes; may be used by several threads at once.
package final class OpenDirectory: Sendable {
  /// Valid as long as the object is.
  package let descriptor: Int32

  /// Takes over `descriptor`.
  package init(owning descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Makes the directory's entries durable. File systems that cannot sync a directory answer EINVAL or EROFS, and
  /// there is nothing that could be done about it.
  package func synchronize() throws(ErrorNumber) {
    do throws(ErrorNumber) {
      _ = try retryingInterrupted { fsync(descriptor) }
    } catch let error where error.value == EINVAL || error.value == EROFS {
      return
    }
  }

  /// What the name leads to, not following a link; nil if there is nothing.
  package func status(of name: [UInt8]) throws(ErrorNumber) -> stat? {
    var status = stat()
    let answer = withPathBytes(name) { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
    if answer == 0 { return status }
    if errno == ENOENT { return nil }
    throw ErrorNumber.last
  }
}

extension stat {
  /// S_IFREG, S_IFDIR, …: the macros of <sys/stat.h> are not imported.
  package var type: mode_t { st_mode & S_IFMT }
  package var isRegularFile: Bool { type == S_IFREG }
  package var isDirectory: Bool { type == S_IFDIR }
}

/// Hands `bytes` over with a NUL behind. Paths contain none (see `BytePath`); what follows one would be cut off, and a
/// NUL is therefore turned into the empty path, which no call accepts.
func withPathBytes<Answer>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Answer) -> Answer {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
    for index in bytes.indices { buffer[index] = CChar(bitPattern: bytes[index]) }
    buffer[bytes.count] = 0
    if let start = buffer.baseAddress {
      if memchr(start, 0, bytes.count) != nil { buffer[0] = 0 }
      return body(start)
    }
    return body("")
  }
}
