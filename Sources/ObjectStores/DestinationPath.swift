import SlipwayModel

/// A key as a path below a directory destination.
struct DestinationPath {
  /// Empty for the root itself.
  let directory: [BytePath]
  let name: BytePath

  /// What the names of unfinished files begin with. No object may have such a name: it would be taken for the rest of a
  /// crash and replaced.
  static let draftPrefix = Array(".slipway-".utf8)

  /// Throws a permanent failure for a key that names no file below the root.
  init(_ key: ObjectKey) throws(Failure) {
    let components = key.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    for component in components {
      if let problem = Self.problem(with: Array(component)) {
        throw Failure(.permanent, "upload", key.description, code: "BadName", cause: problem)
      }
    }
    directory = components.dropLast().map { BytePath(Array($0)) }
    name = BytePath(Array(components.last ?? []))
  }

  /// Whether an object may have this key.
  static func isPossible(_ key: ObjectKey) -> Bool {
    key.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
      problem(with: Array($0)) == nil
    }
  }

  private static func problem(with component: [UInt8]) -> String? {
    if component.isEmpty { return "the key contains an empty component" }
    if component == [0x2E] || component == [0x2E, 0x2E] {
      return "the key contains a '\(escaped(component))' component"
    }
    if component.contains(0) { return "the key contains a NUL byte" }
    if component.starts(with: draftPrefix) {
      return "names that begin with '.slipway-' are those of Slipway's own unfinished files"
    }
    return nil
  }
}
