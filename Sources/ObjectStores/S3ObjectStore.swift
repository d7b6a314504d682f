import Glibc
import HTTPTransport
import S3Client
import SlipwayModel

/// A bucket as a destination.
///
/// A small file is read once into a buffer, hashed there and sent from there; a larger one is read twice, to be hashed
/// and to be sent, so that memory is bounded by the puts in flight. `put` reads files and must be called on a thread
/// that may block.
package final class S3ObjectStore: ObjectStore {
  private let client: S3Client
  private let small = ContentBuffers(capacity: S3ObjectStore.smallFileLimit, idleLimit: 64)
  private let pieces = ContentBuffers(capacity: S3ObjectStore.pieceSize, idleLimit: 4)

  /// Files with fewer bytes are sent from memory, by one send(2) with their header.
  private static let smallFileLimit = HTTPBody.oneSendLimit
  /// What is read at once of a larger file, in bytes.
  private static let pieceSize = 256 << 10

  package init(_ client: S3Client) {
    self.client = client
  }

  /// Throws a blocked failure if settings and environment do not say enough. Sends no request.
  package convenience init(
    _ settings: S3Destination, environment: [String: String], transport: HTTPTransport
  ) throws(Failure) {
    self.init(
      try S3Client(settings, environment: environment, transport: transport, now: { Timestamp.wallClock() }))
  }

  nonisolated(nonsending) package func put(
    _ file: any OpenFile, at key: ObjectKey, attributes: ObjectAttributes, progress: TransferMeter
  ) async throws(Failure) -> PutReceipt {
    do throws(S3Error) {
      if file.fingerprint.size < Self.smallFileLimit { return try await putSmall(file, key, attributes, progress) }
      return try await putLarge(file, key, attributes, progress)
    } catch {
      throw error.failure
    }
  }

  /// S3 answers a PUT when the object is durable.
  package func settle() async throws(Failure) {}

  package func url(of key: ObjectKey) -> String { client.endpoint.url(of: key) }

  nonisolated(nonsending) private func putSmall(
    _ file: any OpenFile, _ key: ObjectKey, _ attributes: ObjectAttributes, _ progress: TransferMeter
  ) async throws(S3Error) -> PutReceipt {
    let buffer = small.take()
    defer { small.giveBack(buffer) }
    let digests: ContentDigests
    do throws(Failure) {
      digests = try readWhole(file, into: buffer, key)
    } catch {
      throw S3Error(error)
    }
    return try await client.putObject(
      key, .bytes(buffer), digests: digests, attributes: attributes, progress: progress)
  }

  nonisolated(nonsending) private func putLarge(
    _ file: any OpenFile, _ key: ObjectKey, _ attributes: ObjectAttributes, _ progress: TransferMeter
  ) async throws(S3Error) -> PutReceipt {
    let digests: ContentDigests
    do throws(Failure) {
      digests = try hashWhole(file, key)
    } catch {
      throw S3Error(error)
    }
    let body = HTTPBody.file(FilePart(file: file, offset: 0, count: file.fingerprint.size))
    return try await client.putObject(
      key, body, digests: digests, attributes: attributes, progress: progress)
  }
}

/// Reading. A file that does not have the size of its fingerprint any more is not sent.
extension S3ObjectStore {
  /// The buffer is larger than the file by at least one byte, so that one that grew is seen.
  private func readWhole(
    _ file: any OpenFile, into buffer: BodyBuffer, _ key: ObjectKey
  ) throws(Failure) -> ContentDigests {
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
    var hasher = try ContentHasher(client.proof)
    hasher.update(buffer.content)
    return try hasher.finalize()
  }

  private func hashWhole(_ file: any OpenFile, _ key: ObjectKey) throws(Failure) -> ContentDigests {
    let buffer = pieces.take()
    defer { pieces.giveBack(buffer) }
    var hasher = try ContentHasher(client.proof)
    var position: Int64 = 0
    while position <= file.fingerprint.size {
      let count = try read(file, at: position, into: buffer.memory, key)
      if count == 0 { break }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer.memory[..<count]))
      position += Int64(count)
    }
    guard position == file.fingerprint.size else { throw changed(key) }
    return try hasher.finalize()
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
        .transient(retryAfter: nil), "upload", client.endpoint.subject(key), code: "SourceUnreadable",
        cause: "the file could not be read (\(String(cString: strerror(code))))")
    }
  }

  private func changed(_ key: ObjectKey) -> Failure {
    Failure(
      .transient(retryAfter: nil), "upload", client.endpoint.subject(key), code: "SourceChanged",
      cause: "the file changed while it was read")
  }
}
