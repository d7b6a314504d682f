import HTTPTransport
import SlipwayModel

/// What a look at a bucket says of it.
public struct BucketHead: Sendable, Hashable {
  /// Where it lies; empty where the server does not say.
  public let region: String
}

extension S3Client {
  /// Looks at the bucket; nil if there is none. A bucket of another region than this client's is told with its own,
  /// although no object can be reached through this client. Idempotent. Any task. (Amazon S3 API Reference, HeadBucket.)
  public func headBucket() async throws(S3Error) -> BucketHead? {
    do throws(S3Error) {
      let response = try await sender.send(S3Request(.head, nil, operation: "look at"))
      return BucketHead(region: ErrorAnswer.token(response.fields.value("x-amz-bucket-region")))
    } catch {
      if error.status == 404 { return nil }
      let isElsewhere = [301, 307, 400].contains(error.status) && !error.bucketRegion.isEmpty
      if isElsewhere { return BucketHead(region: error.bucketRegion) }
      throw error
    }
  }

  /// Makes the bucket in this client's region. That it is there and one's own is no error, so that it may be called
  /// again; that it is somebody else's is a permanent one. Nothing else of the client makes a bucket. Any task. (Amazon
  /// S3 API Reference, CreateBucket.)
  public func createBucket() async throws(S3Error) {
    var request = S3Request(.put, nil, operation: "create")
    // The one region that may not be named.
    if endpoint.region != "us-east-1" {
      let document =
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>"
        + "\(endpoint.region)</LocationConstraint></CreateBucketConfiguration>"
      try request.carry(Array(document.utf8), provenBy: proof)
    }
    do throws(S3Error) {
      _ = try await sender.send(request)
    } catch {
      if error.code != "BucketAlreadyOwnedByYou" { throw error }
    }
  }
}
