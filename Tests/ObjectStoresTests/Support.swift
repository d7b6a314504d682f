import CLibc
import Glibc
import ObjectStores
import SlipwayModel
import Synchronization
import TestSupport
import Testing

func makeStore(
  at path: BytePath, makeHash: @escaping @Sendable () -> any ContentHash = { SumHash() }
) -> DirectoryStore {
  DirectoryStore(at: path, threads: globalConcurrentExecutor, makeHash: makeHash)
}

/// Enough of a checksum to see that every byte came by, in order.
class SumHash: ContentHash {
  private var sum: UInt64 = 0

  func update(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { sum = sum &* 31 &+ UInt64(byte) }
  }

  func finish() throws(Failure) -> [UInt8] {
    withUnsafeBytes(of: sum) { Array($0) }
  }
}

func sum(of text: String) throws -> [UInt8] {
  let hash = SumHash()
  Array(text.utf8).withUnsafeBytes { hash.update($0) }
  return try hash.finish()
}

/// Says when the content has gone by, which is before the object is in its place.
final class ReportingHash: SumHash {
  private let report: () -> Void

  init(_ report: @escaping () -> Void) { self.report = report }

  override func finish() throws(Failure) -> [UInt8] {
    report()
    return try super.finish()
  }
}

/// A name that was seen on another thread.
final class Seen: Sendable {
  private let content = Mutex<BytePath?>(nil)

  var name: BytePath? {
    get { content.withLock { $0 } }
    set { content.withLock { $0 = newValue } }
  }
}

/// The unfinished files in a directory and below it.
func leftOvers(in directory: BytePath) -> [BytePath] {
  var found: [BytePath] = []
  guard let stream = opendir(directory.description) else { return found }
  defer { closedir(stream) }
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { BytePath(Array($0.prefix { $0 != 0 })) }
    if name.bytes.starts(with: Array(".slipway-".utf8)) { found.append(name) }
    if entry.pointee.d_type == UInt8(DT_DIR), name.bytes != [0x2E], name.bytes != [0x2E, 0x2E] {
      found += leftOvers(in: directory.appending(name))
    }
  }
  return found
}

func exists(_ path: BytePath) -> Bool {
  var status = stat()
  return path.withCString { lstat($0, &status) } == 0
}

func permissions(of path: BytePath) -> mode_t {
  var status = stat()
  return path.withCString { stat($0, &status) } == 0 ? status.st_mode & 0o7777 : 0
}

func setModified(_ path: BytePath, _ nanoseconds: Int64) throws {
  let seconds = Int((Double(nanoseconds) / 1e9).rounded(.down))
  let time = timespec(tv_sec: seconds, tv_nsec: Int(nanoseconds) - seconds * 1_000_000_000)
  try #require(utimensat(AT_FDCWD, path.description, [time, time], 0) == 0)
}

/// A regular file with something in it, as a killed process leaves it.
func makeFile(_ path: String) -> Int32 {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
  guard descriptor >= 0, write(descriptor, "half", 4) == 4 else { return -1 }
  return close(descriptor)
}
