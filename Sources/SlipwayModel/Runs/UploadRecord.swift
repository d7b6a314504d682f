/// What the ledger says of one file of a run at one destination.
public struct UploadRecord: Sendable, Hashable {
  public enum Status: Sendable, Hashable {
    /// The destination answered with the right checksum, and the file still was what had been planned.
    case proven(PutReceipt)
    /// The message of the last failure, and whether the same again would fail again.
    case failed(String, isPermanent: Bool)
  }

  public let run: RunID
  public let destination: DestinationName
  /// Relative to the tree.
  public let path: BytePath
  /// As it was planned.
  public let fingerprint: Fingerprint
  /// With the destination's prefix.
  public let key: ObjectKey
  public let status: Status

  public init(
    run: RunID, destination: DestinationName, path: BytePath, fingerprint: Fingerprint, key: ObjectKey, status: Status
  ) {
    self.run = run
    self.destination = destination
    self.path = path
    self.fingerprint = fingerprint
    self.key = key
    self.status = status
  }

  /// Whether the destination holds this content at `key` (its prefix included).
  public func isProven(for current: Fingerprint, at key: ObjectKey) -> Bool {
    guard case .proven = status else { return false }
    return fingerprint.matchesAcrossProcesses(current) && self.key == key
  }
}
