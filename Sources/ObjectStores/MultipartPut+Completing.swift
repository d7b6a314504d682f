import S3Client
import SlipwayModel

/// The end of an upload whose parts are all there.
extension MultipartPut {
  /// How often somebody else may change the object between a look and the completion.
  private static let looksMax = 3

  /// Another writer may come between: then `overwrite` is asked again.
  func complete(_ upload: MultipartUpload, _ first: WriteCondition) async throws(S3Error) -> PutReceipt {
    let receipt = try await put(together: upload, first)
    do throws(Failure) {
      // Of an object that another has stored nothing is changed.
      if receipt.isSent { try await restoreTags() }
      try await context.journal.end(upload)
    } catch {
      throw S3Error(error)
    }
    return receipt
  }

  private func put(
    together upload: MultipartUpload, _ first: WriteCondition
  ) async throws(S3Error) -> PutReceipt {
    var condition = first
    var looks = 0
    while true {
      do throws(S3Error) {
        return try await client.completeMultipartUpload(upload, size: file.fingerprint.size, condition: condition)
      } catch {
        looks += 1
        // The upload is over, and what it made is of no use: the next attempt begins another one.
        if error.code == S3Client.storedOtherBytes {
          do throws(Failure) { try await context.journal.end(upload) } catch { throw S3Error(error) }
        }
        guard condition.hasFailed(error), looks <= Self.looksMax else { throw error }
        switch try await decide(on: upload, after: condition) {
        case .delivered(let receipt):
          do throws(Failure) { try await abandon(upload) } catch { throw S3Error(error) }
          return receipt
        case .send(let next): condition = next
        }
      }
    }
  }

  func restoreTags() async throws(Failure) {
    do throws(S3Error) {
      try await client.restoreTags(key, context.attributes)
    } catch {
      throw error.failure
    }
  }

  private func decide(
    on upload: MultipartUpload, after tried: WriteCondition
  ) async throws(S3Error) -> MultipartDecision {
    let token: String
    do throws(Failure) { token = try uploadToken(file.fingerprint, context) } catch { throw S3Error(error) }
    return try await client.decide(
      key, size: file.fingerprint.size, partSize: upload.partSize, token: token, after: tried, parts: { upload.parts })
  }
}
