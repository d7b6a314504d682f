import SlipwayModel

/// Something in which a tree and a destination differ, as one who would make them equal sees it.
public enum MirrorFinding: Sendable, Hashable {
  /// Nothing lies at the key.
  case upload(BytePath, ObjectKey, at: DestinationName)
  /// Something else does.
  case replace(BytePath, ObjectKey, at: DestinationName)
  /// The content lies at another key of the same destination, of a file that is gone.
  case copy(BytePath, ObjectKey, at: DestinationName, from: ObjectKey)
  /// The tree has no such file.
  case delete(BytePath, ObjectKey, at: DestinationName)
  /// It is left out.
  case skip(BytePath, SkipReason)
  /// It, or the destination, cannot be looked at.
  case problem(Failure)
}

/// What has been compared.
public struct MirrorCount: Sendable, Hashable {
  /// Files, each once for every destination that could be asked.
  public var compared = 0
  public var different = 0
  public var problems = 0
  /// Of each destination; what may not be deleted is a problem beside.
  var deleted: [DestinationName: Int] = [:]
  /// How many of them another key gets by a copy.
  var moved: [DestinationName: Int] = [:]

  public init() {}

  static func += (left: inout MirrorCount, right: MirrorCount) {
    left.compared += right.compared
    left.different += right.different
    left.problems += right.problems
    left.deleted.merge(right.deleted) { $0 + $1 }
    left.moved.merge(right.moved) { $0 + $1 }
  }
}
