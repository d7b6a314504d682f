import SlipwayModel
import Synchronization

/// What dry runs of mirrors have told, so that each difference is told once, and again only when something is told of
/// its file. Any task.
final class ToldFindings: Sendable {
  /// Their hashes.
  private let told = Mutex<[TreeID: Set<Int>]>([:])

  /// So many are remembered of a tree; others are told with each look at everything.
  static let countMax = 100_000

  /// One comparison of a whole tree. Belongs to one task.
  struct Pass {
    fileprivate let tree: TreeID
    fileprivate let changed: MirrorScope
    fileprivate let before: Set<Int>
    fileprivate var seen: Set<Int> = []

    /// Whether it is to be told.
    mutating func take(_ finding: MirrorFinding) -> Bool {
      let hash = finding.hashValue
      if seen.count < ToldFindings.countMax { seen.insert(hash) }
      return !before.contains(hash) || finding.path.map(changed.names) ?? false
    }
  }

  /// `changed` is what has been told of since the last one.
  func begin(_ tree: TreeID, _ changed: MirrorScope) -> Pass {
    Pass(tree: tree, changed: changed, before: told.withLock { $0[tree] ?? [] })
  }

  /// It has come to its end, and all that it took has been told.
  func end(_ pass: Pass) { told.withLock { $0[pass.tree] = pass.seen } }
}

extension MirrorFinding {
  /// The file that may be another one; nil where there is none.
  fileprivate var path: BytePath? {
    switch self {
    case .upload(let path, _, _), .replace(let path, _, _), .copy(let path, _, _, _), .skip(let path, _): path
    case .delete, .problem: nil
    }
  }

  /// Whether a run would do something about it, or could not.
  var isDifference: Bool { if case .skip = self { false } else { true } }
}

extension MirrorScope {
  /// Whether it names this path, or a directory around it, by itself.
  fileprivate func names(_ path: BytePath) -> Bool {
    guard case .parts(let parts) = self else { return false }
    var around = path
    while around != .here {
      if parts.contains(around) { return true }
      around = around.parent
    }
    return false
  }
}
