import Synchronization

/// Counts what has been sent, for progress; written by transfers, read by whoever draws. Any thread.
public final class TransferMeter: Sendable {
  private let bytes = Atomic<Int64>(0)
  private let files = Atomic<Int64>(0)
  private let failures = Atomic<Int64>(0)

  public init() {}

  /// Bytes of bodies that went out; a part that is sent again is taken back first with a negative count.
  public func sent(_ count: Int64) { bytes.wrappingAdd(count, ordering: .relaxed) }
  public func delivered() { files.wrappingAdd(1, ordering: .relaxed) }
  public func failed() { failures.wrappingAdd(1, ordering: .relaxed) }

  public var snapshot: Snapshot {
    Snapshot(
      bytes: bytes.load(ordering: .relaxed), files: files.load(ordering: .relaxed),
      failures: failures.load(ordering: .relaxed))
  }

  public struct Snapshot: Sendable, Hashable {
    public let bytes: Int64
    public let files: Int64
    public let failures: Int64
  }
}
