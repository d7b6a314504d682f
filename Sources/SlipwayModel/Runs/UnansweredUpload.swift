/// Multipart uploads to one key that a destination was asked for, and whose IDs were never heard of: the requests may have
/// made some, or may still be on their way.
public struct UnansweredUpload: Sendable, Hashable {
  public let destination: DestinationName
  /// The destination's prefix included.
  public let key: ObjectKey
  /// A moment before the first of them, and before the latest.
  public let first: Timestamp
  public let latest: Timestamp

  public init(destination: DestinationName, key: ObjectKey, first: Timestamp, latest: Timestamp) {
    self.destination = destination
    self.key = key
    self.first = first
    self.latest = latest
  }

  public init(_ upload: MultipartUpload) {
    self.init(destination: upload.destination, key: upload.key, first: upload.begun, latest: upload.begun)
  }

  /// A request that comes later is refused, as one whose signature is too old, and so is one of a machine whose clock
  /// is further off. (Amazon S3, "Authenticating Requests": 15 minutes.)
  public static let reach = Duration.seconds(15 * 60)
  /// So long it is looked for at the most, where the destination does not let itself be asked.
  public static let patience = Duration.seconds(24 * 3600)

  /// Whether no request can still be on its way.
  public func isExpired(at now: Timestamp) -> Bool { now - latest > Self.reach }

  public func isGivenUp(at now: Timestamp) -> Bool { now - latest > Self.patience }

  /// Whether an upload that was begun then, by the destination's clock, may be one of them.
  public func mayHaveBegun(at time: Timestamp) -> Bool {
    time - first > .zero - Self.reach && time - latest < Self.reach
  }
}
