import CLibc
import Glibc
import SlipwayModel
import Synchronization

extension LocalTreeFiles {
  /// Its directory must exist; to it the path may lead over links. A file made anew is readable by all, as umask
  /// allows. After a crash a temporary file may be left; the next write of that path uses the name again.
  package func write(_ bytes: [UInt8], to path: BytePath) throws(Failure) {
    do throws(ErrorNumber) {
      let parent = OpenDirectory(
        owning: try PathOpening.open(
          path.parent.bytes, at: AT_FDCWD, flags: O_RDONLY | O_DIRECTORY, resolution: .anywhere))
      let write = AtomicWrite(parent: parent, path: path)
      defer { write.release() }
      try write.run(bytes)
    } catch {
      throw Failure(errno: error.value, operation: "write", subject: path)
    }
  }
}

/// One file on its way to its name.
private struct AtomicWrite {
  /// Temporary names in use, by whole path. A name can be told from a dead process's only because each is claimed
  /// here first; processes do not share directories that they write to.
  private static let claims = Mutex<Set<BytePath>>([])
  /// In bytes; NAME_MAX is 255, and what is added takes its share.
  private static let stemMax = 200

  private let parent: OpenDirectory
  private let name: [UInt8]
  private let claim: BytePath

  init(parent: OpenDirectory, path: BytePath) {
    self.parent = parent
    self.name = path.name.bytes
    let stem = [UInt8(ascii: ".")] + name.prefix(Self.stemMax)
    self.claim = Self.claims.withLock { claims in
      var number = 0
      while true {
        let candidate = path.parent.appending(BytePath(stem + Array(".\(number).tmp".utf8)))
        if claims.insert(candidate).inserted { return candidate }
        number += 1
      }
    }
  }

  func release() {
    _ = Self.claims.withLock { $0.remove(claim) }
  }

  func run(_ bytes: [UInt8]) throws(ErrorNumber) {
    let temporary = claim.name.bytes
    try fill(temporary, bytes)
    let answer = withPathBytes(temporary) { from in
      withPathBytes(name) { renameat(parent.descriptor, from, parent.descriptor, $0) }
    }
    if answer != 0 {
      let error = ErrorNumber.last
      discard(temporary)
      throw error
    }
    try parent.synchronize()
  }

  private func fill(_ temporary: [UInt8], _ bytes: [UInt8]) throws(ErrorNumber) {
    let descriptor = try create(temporary)
    defer { close(descriptor) }
    do throws(ErrorNumber) {
      try writeAll(bytes, to: descriptor)
      _ = try retryingInterrupted { fsync(descriptor) }
    } catch {
      discard(temporary)
      throw error
    }
  }

  private func create(_ temporary: [UInt8]) throws(ErrorNumber) -> Int32 {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let open = { withPathBytes(temporary) { openat(parent.descriptor, $0, flags, 0o666) } }
    do throws(ErrorNumber) {
      return try retryingInterrupted(open)
    } catch let error where error.value == EEXIST {
      discard(temporary)
      return try retryingInterrupted(open)
    }
  }

  private func discard(_ temporary: [UInt8]) {
    _ = withPathBytes(temporary) { unlinkat(parent.descriptor, $0, 0) }
  }
}

/// write(2) until all is written.
package func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(ErrorNumber) {
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written) }
    if count < 0, errno != EINTR { throw ErrorNumber.last }
    written += max(0, count)
  }
}
