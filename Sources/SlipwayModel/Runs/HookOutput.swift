/// What pre hooks appended to SLIPWAY_OUTPUT: lines `tag.NAME=`, `metadata.NAME=` and `target_prefix=`.
public struct HookOutput: Sendable, Hashable {
  public var tags: [String: String] = [:]
  public var metadata: [String: String] = [:]
  /// Behind the workflow's own target prefix, literally; without slashes at its ends.
  public var targetPrefix: [UInt8] = []

  public init() {}

  /// The longest output file that is read, in bytes.
  public static let limit = 64 * 1024

  /// Reads the file; empty lines are passed over, a later line of the same name wins. Throws what is wrong with the
  /// first line that cannot be read: one clause.
  public init(parsing bytes: [UInt8]) throws(HookOutputProblem) {
    for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() where !line.isEmpty
    {
      if let problem = take(line) { throw HookOutputProblem(line: index + 1, message: problem) }
    }
    if tags.count > AttributeLimits.tags {
      throw HookOutputProblem(line: nil, message: "\(tags.count) tags, S3 allows \(AttributeLimits.tags)")
    }
  }

  private mutating func take(_ line: ArraySlice<UInt8>) -> String? {
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")),
      let name = String(validating: line[..<equals], as: UTF8.self)
    else { return "no 'NAME=' at the start" }
    let value = line[(equals + 1)...]
    if name == "target_prefix" { return takePrefix(Array(value)) }
    if value.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      return "the value of '\(escaped(name.utf8))' contains control characters"
    }
    guard let text = String(validating: value, as: UTF8.self) else {
      return "the value of '\(escaped(name.utf8))' is not UTF-8"
    }
    if let tag = name.removingPrefix("tag."), !tag.isEmpty {
      if let problem = AttributeLimits.problem(withTag: tag, text) { return "\(problem): '\(escaped(tag.utf8))'" }
      tags[tag] = text
    } else if let key = name.removingPrefix("metadata."), AttributeLimits.isMetadataName(key) {
      if let problem = AttributeLimits.problem(withMetadata: key, text) { return "\(problem): '\(escaped(key.utf8))'" }
      metadata[key.lowercased()] = text
    } else {
      return "unknown name '\(escaped(name.utf8))'; there are tag.NAME, metadata.NAME and target_prefix"
    }
    return nil
  }

  private mutating func takePrefix(_ value: [UInt8]) -> String? {
    if let problem = TreeSettings.problem(withPrefix: value) { return problem }
    targetPrefix = trimmingSlashes(value)
    return nil
  }
}

/// What is wrong with the output of pre hooks.
public struct HookOutputProblem: Error, Hashable, Sendable {
  /// From 1; nil for the file as a whole.
  public let line: Int?
  public let message: String
}

extension String {
  fileprivate func removingPrefix(_ prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
