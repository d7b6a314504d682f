/// A multipart upload that a destination was asked for, and whose ID was never heard of: the request may have made one,
/// or may still be on its way.
public struct UnansweredUpload: Sendable, Hashable {
  public let destination: DestinationName
  /// The destination's prefix included.
  public let key: ObjectKey
  /// A moment before it was asked for.
  public let begun: Timestamp

  public init(destination: DestinationName, key: ObjectKey, begun: Timestamp) {
    self.destination = destination
    self.key = key
    self.begun = begun
  }

  public init(_ upload: MultipartUpload) {
    self.init(destination: upload.destination, key: upload.key, begun: upload.begun)
  }

  /// A request that comes later is refused, as one whose signature is too old, and so is one of a machine whose clock
  /// is further off. (Amazon S3, "Authenticating Requests": 15 minutes.)
  public static let reach = Duration.seconds(15 * 60)

  /// Whether no request for it can still be on its way.
  public func isExpired(at now: Timestamp) -> Bool { now - begun > Self.reach }
}
