import HTTPTransport
import S3Client
import SlipwayModel

/// A bucket as a destination.
///
/// A small file is read once into a buffer, hashed there and sent from there; a larger one is read twice, to be hashed
/// and to be sent, so that memory is bounded by the puts in flight. `put` reads files and must be called on a thread
/// that may block.
package final class S3ObjectStore: ObjectStore {
  let client: S3Client
  private let overwritingClient: S3Client
  private let small = ContentBuffers(capacity: S3ObjectStore.smallFileLimit, idleLimit: 64)
  private let reader: ContentReader
  private let now: @Sendable () -> Timestamp

  /// Files with fewer bytes are sent from memory, by one send(2) with their header.
  private static let smallFileLimit = HTTPBody.oneSendLimit

  /// `now` is the machine's clock.
  package init(_ client: S3Client, now: @escaping @Sendable () -> Timestamp = Timestamp.wallClock) {
    self.client = client
    overwritingClient = client.overwriting()
    self.now = now
    reader = ContentReader(client.proof) { client.subject($0) }
  }

  /// Throws a blocked failure if settings and environment do not say enough. Sends no request.
  package convenience init(
    _ settings: S3Destination, environment: [String: String], transport: any HTTPSender,
    patterns: (any PatternCompiler)? = nil
  ) throws(Failure) {
    self.init(
      try S3Client(
        settings, environment: environment, transport: transport, now: { Timestamp.wallClock() }, patterns: patterns))
  }

  nonisolated(nonsending) package func put(
    _ file: any OpenFile, at key: ObjectKey, _ context: PutContext
  ) async throws(Failure) -> PutReceipt {
    let client = context.replaces ? overwritingClient : client
    do throws(S3Error) {
      let size = file.fingerprint.size
      if size < client.multipartThreshold {
        return size < Self.smallFileLimit
          ? try await putSmall(file, key, context, by: client) : try await putLarge(file, key, context, by: client)
      }
    } catch {
      throw error.failure
    }
    return try await MultipartPut(
      client: client, file: file, key: key, context: context, reader: reader, now: now
    ).run()
  }

  package func abandon(_ upload: MultipartUpload) async throws(Failure) {
    guard let id = upload.id else { return }
    do throws(S3Error) {
      try await client.abandon(upload.key, id, token: upload.token)
    } catch {
      throw error.failure
    }
  }

  package func abandon(
    _ upload: UnansweredUpload, unless isInUse: @Sendable () async throws(Failure) -> Bool
  ) async throws(Failure) {
    do throws(S3Error) {
      try await StrayUploads(client: client, request: upload).abort(unless: isInUse)
    } catch {
      throw error.failure
    }
  }

  /// S3 answers a PUT when the object is durable.
  package func settle(_ runs: [RunID]) async throws(Failure) {}

  package func url(of key: ObjectKey) -> String { client.endpoint.url(of: key) }

  nonisolated(nonsending) private func putSmall(
    _ file: any OpenFile, _ key: ObjectKey, _ context: PutContext, by client: S3Client
  ) async throws(S3Error) -> PutReceipt {
    let buffer = small.take()
    defer { small.giveBack(buffer) }
    let digests: ContentDigests
    let token: String?
    do throws(Failure) {
      digests = try reader.readWhole(file, into: buffer, key)
      token = try self.token(file, context, client)
    } catch {
      throw S3Error(error)
    }
    return try await client.putObject(
      key, .bytes(buffer), digests: digests, attributes: context.attributes, token: token, progress: context.progress)
  }

  nonisolated(nonsending) private func putLarge(
    _ file: any OpenFile, _ key: ObjectKey, _ context: PutContext, by client: S3Client
  ) async throws(S3Error) -> PutReceipt {
    let digests: ContentDigests
    let token: String?
    do throws(Failure) {
      digests = try reader.digests(of: file, key)
      token = try self.token(file, context, client)
    } catch {
      throw S3Error(error)
    }
    let body = HTTPBody.file(FilePart(file: file, offset: 0, count: file.fingerprint.size))
    return try await client.putObject(
      key, body, digests: digests, attributes: context.attributes, token: token, progress: context.progress)
  }

  /// Only where an object may have to be told from another's.
  private func token(
    _ file: any OpenFile, _ context: PutContext, _ client: S3Client
  ) throws(Failure) -> String? {
    client.overwrite == .never ? try uploadToken(file.fingerprint, context) : nil
  }
}
