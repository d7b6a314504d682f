/// How a mirror keeps its destinations like its watched directory.
public struct MirrorRule: Sendable, Hashable {
  /// How much one run may delete.
  public enum DeleteLimit: Sendable, Hashable {
    case count(Int)
    /// Hundredths of the objects that are there, from 0 to 100.
    case percent(Int)

    /// How many of `total` objects.
    public func allowance(of total: Int) -> Int {
      switch self {
      case .count(let count): count
      case .percent(let share): total / 100 * share + total % 100 * share / 100
      }
    }
  }

  /// Whether what is gone from the directory goes at the destinations.
  public var deletes: Bool
  /// nil: any number.
  public var deleteLimit: DeleteLimit?
  /// Changes within so long of one another are one batch.
  public var settleTime: Duration

  public static let settleTimeDefault = Duration.seconds(2)

  public init(
    deletes: Bool = false, deleteLimit: DeleteLimit? = nil, settleTime: Duration = MirrorRule.settleTimeDefault
  ) {
    self.deletes = deletes
    self.deleteLimit = deleteLimit
    self.settleTime = settleTime
  }
}

extension MirrorRule.DeleteLimit: CustomStringConvertible {
  /// As the file says it.
  public var description: String {
    switch self {
    case .count(let count): "\(count)"
    case .percent(let share): "\(share)%"
    }
  }
}
