import SlipwayModel

/// What of a mirror's tree is to be looked at. Pure.
enum MirrorScope: Sendable, Hashable {
  case whole
  /// These paths, relative to the watched directory, and all below them.
  case parts(Set<BytePath>)

  /// More are a reason to look at everything.
  static let partsMax = 10_000

  mutating func formUnion(_ other: MirrorScope) {
    guard case .parts(let own) = self, case .parts(let others) = other else {
      self = .whole
      return
    }
    let both = own.union(others)
    self = both.count > Self.partsMax || both.contains(.here) ? .whole : .parts(both)
  }

  /// Where to look, in byte order, none below another.
  var roots: [BytePath] {
    guard case .parts(let parts) = self else { return [.here] }
    return parts.filter { !Self.hasAncestor($0, in: parts) }.sorted()
  }

  private static func hasAncestor(_ path: BytePath, in parts: Set<BytePath>) -> Bool {
    var ancestor = path.parent
    while ancestor != .here {
      if parts.contains(ancestor) { return true }
      ancestor = ancestor.parent
    }
    return false
  }
}
