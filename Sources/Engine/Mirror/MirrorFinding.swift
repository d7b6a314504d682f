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

/// Compares a tree with its destinations and changes nothing. Reads files where only that tells.
struct MirrorPreview {
  let tree: TreeID
  let targets: [MirrorTarget]
  let reader: MirrorReader
  let files: any TreeFiles
  /// Whether what lies there without a file would be deleted.
  let deletes: Bool

  func run(_ tell: (MirrorFinding) -> Void) async throws(Failure) -> MirrorCount {
    var count = MirrorCount()
    while let step = try await reader.next() {
      switch step.decision {
      case .none: continue
      case .gone(let path, let destinations):
        guard deletes else { continue }
        for target in targets where destinations.contains(target.name) {
          count.different += 1
          count.deleted[target.name, default: 0] += 1
          tell(.delete(path, target.key(of: path), at: target.name))
        }
      case .item(let item): note(item, &count, tell)
      case .lost(_, let failure):
        count.problems += 1
        tell(.problem(failure))
      case .upload(let item, let approaches): await compare(item, approaches, &count, tell)
      }
    }
    return count
  }

  /// Files that the filter takes, so far.
  var taken: Int { reader.taken }

  private func note(_ item: PlanItem, _ count: inout MirrorCount, _ tell: (MirrorFinding) -> Void) {
    switch item.decision {
    case .skip(let reason): tell(.skip(item.path, reason))
    case .fail(let failure):
      count.problems += 1
      tell(.problem(failure))
    case .proven: count.compared += targets.count
    case .upload, .answer: break
    }
  }

  private func compare(
    _ item: PlanItem, _ approaches: [DestinationName: MirrorApproach], _ count: inout MirrorCount,
    _ tell: (MirrorFinding) -> Void
  ) async {
    for target in targets {
      count.compared += 1
      guard let approach = approaches[target.name] else { continue }
      let key = target.key(of: item.path)
      do throws(Failure) {
        if let finding = try await finding(item, approach, key, target) {
          count.different += 1
          if case .copy = finding { count.moved[target.name, default: 0] += 1 }
          tell(finding)
        }
      } catch {
        count.problems += 1
        tell(.problem(error))
      }
    }
  }

  /// nil if both are equal.
  private func finding(
    _ item: PlanItem, _ approach: MirrorApproach, _ key: ObjectKey, _ target: MirrorTarget
  ) async throws(Failure) -> MirrorFinding? {
    switch approach {
    case .send: return .upload(item.path, key, at: target.name)
    case .replace: return .replace(item.path, key, at: target.name)
    case .copy(let source, _): return .copy(item.path, key, at: target.name, from: source)
    case .compare(let known):
      let file = try files.open(item.path, in: tree.path)
      let isEqual = try await target.store.recognise(file, at: key, as: known) != nil
      return isEqual ? nil : .replace(item.path, key, at: target.name)
    }
  }
}
