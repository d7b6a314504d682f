/// What a tree says of itself, in its file `.slipway.yaml`: how it is uploaded, never where to, nor what is run.
public struct TreeSettings: Sendable, Hashable {
  /// Where it stands, in the tree itself.
  public static let fileName = BytePath(".slipway.yaml")
  /// The longest file that is read, in bytes.
  public static let fileLimit = 64 * 1024
  /// So many patterns a tree may have, of `filter` and `exclude` together: each is tried on each name.
  public static let patternsMax = 100

  /// Of what the workflow takes a file is taken if any matches; empty takes every file. Searched in the path relative to
  /// the tree.
  public var filter: [FilterRule] = []
  public var exclude: [FilterRule] = []
  /// Behind the workflow's own target prefix, literally; without slashes at its ends.
  public var targetPrefix: [UInt8] = []
  /// Of every object of the tree; a sidecar's and a pre hook's win.
  public var tags: [String: String] = [:]
  /// Of every object of the tree; that of a pre hook wins.
  public var metadata: [String: String] = [:]

  public init() {}

  /// What is wrong with a prefix that a tree or a hook gives: one clause; nil if nothing is.
  public static func problem(withPrefix value: [UInt8]) -> String? {
    let components = trimmingSlashes(value).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isRefused = components.contains { $0.isEmpty || $0.elementsEqual([0x2E]) || $0.elementsEqual([0x2E, 0x2E]) }
    return isRefused ? "target_prefix '\(escaped(value.prefix(200)))' has an empty, '.' or '..' component" : nil
  }
}
