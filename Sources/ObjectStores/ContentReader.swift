import Glibc
import HTTPTransport
import S3Client
import SlipwayModel

/// Reads files to send and hash them; a file that does not have the size of its fingerprint any more is not sent. Its
/// calls block. Any thread.
final class ContentReader: Sendable {
  private let proof: ContentProof
  private let subject: @Sendable (ObjectKey) -> String
  private let pieces = ContentBuffers(capacity: ContentReader.pieceSize, idleLimit: 4)

  /// What is read at once of a larger file, in bytes.
  private static let pieceSize = 128 << 10

  /// Computes what `proof` needs; `subject` is what messages call an object.
  init(_ proof: ContentProof, subject: @escaping @Sendable (ObjectKey) -> String) {
    self.proof = proof
    self.subject = subject
  }

  /// Reads a whole file into `buffer`, which must be larger by at least one byte, so that one that grew is seen.
  func readWhole(_ file: any OpenFile, into buffer: BodyBuffer, _ key: ObjectKey) throws(Failure) -> ContentDigests {
    buffer.count = 0
    let size = Int(file.fingerprint.size)
    while buffer.count <= size {
      let free = UnsafeMutableRawBufferPointer(rebasing: buffer.memory[buffer.count...])
      let count = try read(file, at: Int64(buffer.count), into: free, key)
      buffer.count += count
      // A short read of a regular file is its end (read(2)); with the planned size there is no need to ask again.
      if count == 0 || buffer.count == size { break }
    }
    guard buffer.count == size else { throw changed(key) }
    var hasher = try ContentHasher(proof)
    hasher.update(buffer.content)
    return try hasher.finalize()
  }

  /// The digests of a whole file.
  func digests(of file: any OpenFile, _ key: ObjectKey) throws(Failure) -> ContentDigests {
    let size = file.fingerprint.size
    let digests = try digests(of: file, 0..<size, key)
    guard try file.currentFingerprint().size == size else { throw changed(key) }
    return digests
  }

  /// The digests of a part of a file.
  func digests(of file: any OpenFile, _ range: Range<Int64>, _ key: ObjectKey) throws(Failure) -> ContentDigests {
    let buffer = pieces.take()
    defer { pieces.giveBack(buffer) }
    var hasher = try ContentHasher(proof)
    var position = range.lowerBound
    while position < range.upperBound {
      let wanted = Int(min(range.upperBound - position, Int64(buffer.memory.count)))
      let memory = UnsafeMutableRawBufferPointer(rebasing: buffer.memory[..<wanted])
      let count = try read(file, at: position, into: memory, key)
      guard count > 0 else { throw changed(key) }
      hasher.update(UnsafeRawBufferPointer(rebasing: memory[..<count]))
      position += Int64(count)
    }
    return try hasher.finalize()
  }

  /// How many of `count` parts of a file are hashed at once: groups of equal sizes where several are worth it.
  func groupSize(of count: Int) -> Int {
    guard proof.needsMD5, count >= ContentGroupHasher.countMin else { return 1 }
    let groups = (count + ContentGroupHasher.countMax - 1) / ContentGroupHasher.countMax
    return (count + groups - 1) / groups
  }

  /// The digests of some parts of a file, as many as `groupSize` allows. Throws also when the task is cancelled.
  func digests(
    of file: any OpenFile, _ ranges: [Range<Int64>], _ key: ObjectKey
  ) throws(Failure) -> [ContentDigests] {
    guard ranges.count >= ContentGroupHasher.countMin, proof.needsMD5 else { return try oneByOne(file, ranges, key) }
    let buffer = pieces.take()
    defer { pieces.giveBack(buffer) }
    var hasher = try ContentGroupHasher(proof, count: ranges.count)
    let step = Int64(buffer.memory.count / ranges.count) & ~63
    let longest = ranges.reduce(0) { max($0, Int64($1.count)) }
    for start in stride(from: 0, to: longest, by: Int(step)) {
      if Task.isCancelled { throw cancelled(key) }
      var pieces: [UnsafeRawBufferPointer] = []
      for (lane, range) in ranges.enumerated() {
        let memory = buffer.memory[lane * Int(step)..<(lane + 1) * Int(step)]
        let rest = range.dropFirst(Int(min(start, Int64(range.count)))).prefix(Int(step))
        pieces.append(try readAll(file, rest, into: UnsafeMutableRawBufferPointer(rebasing: memory), key))
      }
      hasher.update(pieces)
    }
    return try hasher.finalize()
  }

  private func oneByOne(
    _ file: any OpenFile, _ ranges: [Range<Int64>], _ key: ObjectKey
  ) throws(Failure) -> [ContentDigests] {
    var digests: [ContentDigests] = []
    for range in ranges { digests.append(try self.digests(of: file, range, key)) }
    return digests
  }

  /// All of `range`, at the start of `memory`.
  private func readAll(
    _ file: any OpenFile, _ range: Range<Int64>, into memory: UnsafeMutableRawBufferPointer, _ key: ObjectKey
  ) throws(Failure) -> UnsafeRawBufferPointer {
    let wanted = UnsafeMutableRawBufferPointer(rebasing: memory[..<range.count])
    var filled = 0
    while filled < wanted.count {
      let free = UnsafeMutableRawBufferPointer(rebasing: wanted[filled...])
      let count = try read(file, at: range.lowerBound + Int64(filled), into: free, key)
      guard count > 0 else { throw changed(key) }
      filled += count
    }
    return UnsafeRawBufferPointer(wanted)
  }

  private func read(
    _ file: any OpenFile, at position: Int64, into memory: UnsafeMutableRawBufferPointer, _ key: ObjectKey
  ) throws(Failure) -> Int {
    while true {
      let count = pread(file.descriptor, memory.baseAddress, memory.count, off_t(position))
      if count >= 0 { return count }
      let code = errno
      if code == EINTR { continue }
      throw Failure(
        .transient(retryAfter: nil), "upload", subject(key), code: Failure.sourceUnreadable,
        cause: "the file could not be read (\(String(cString: strerror(code))))")
    }
  }

  private func changed(_ key: ObjectKey) -> Failure {
    Failure(
      .transient(retryAfter: nil), "upload", subject(key), code: Failure.sourceChanged,
      cause: "the file changed while it was read")
  }

  private func cancelled(_ key: ObjectKey) -> Failure {
    Failure(.transient(retryAfter: nil), "upload", subject(key), code: "Cancelled", cause: "it was stopped")
  }
}
