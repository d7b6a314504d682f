import Glibc
import SlipwayModel

/// A file of the test's own, unlinked at once: it lives as long as its descriptor.
final class TestFile: OpenFile {
  let descriptor: Int32
  let fingerprint: Fingerprint

  init(_ content: [UInt8]) {
    let name = "/tmp/slipway-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    unlink(name)
    _ = write(descriptor, content, content.count)
    fingerprint = Fingerprint(device: 0, inode: 0, size: Int64(content.count), modified: 0, changed: 0)
  }

  deinit {
    close(descriptor)
  }

  func currentFingerprint() throws(Failure) -> Fingerprint { fingerprint }
  func truncate(to size: Int) { ftruncate(descriptor, off_t(size)) }
}
