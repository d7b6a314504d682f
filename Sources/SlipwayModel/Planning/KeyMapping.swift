/// From a path to its object key: destination prefix + target prefix + (absolute path − source prefix).
public struct KeyMapping: Sendable, Hashable {
  /// What stands in front of the stripped path; without slashes at its ends.
  private let front: [UInt8]
  private let watch: BytePath
  private let sourcePrefix: BytePath

  /// The longest key that S3 takes, in bytes.
  public static let longestKey = 1024

  /// `targetPrefix` is evaluated already.
  public init(watch: BytePath, sourcePrefix: BytePath?, targetPrefix: [UInt8]) {
    self.watch = watch
    self.sourcePrefix = sourcePrefix ?? watch
    self.front = trimmingSlashes(targetPrefix)
  }

  /// The key of `path`, relative to the watched directory, without a destination's prefix.
  public func key(for path: BytePath) -> ObjectKey {
    joinedKey(front, trimmingLeadingSlashes(stripped(path).bytes))
  }

  private func stripped(_ path: BytePath) -> BytePath {
    // As it is without a source prefix: what would be put in front of the path is what is taken away.
    if sourcePrefix == watch, path != .here, !path.bytes.isEmpty { return path }
    let absolute = watch.appending(path)
    return absolute.relative(to: sourcePrefix).map { $0 == .here ? absolute.name : $0 } ?? absolute
  }

  /// What stands in front of every path in its key, without a slash at its end; nil where that is not the same for all
  /// of them, because the source prefix lies below the watched directory.
  public var stem: [UInt8]? {
    if sourcePrefix == watch { return front }
    if let below = watch.relative(to: sourcePrefix) { return joinedKey(front, below.bytes).bytes }
    if sourcePrefix.isWithin(watch) { return nil }
    return joinedKey(front, Array(trimmingLeadingSlashes(watch.bytes))).bytes
  }

  /// The name of a run's manifest at its destinations.
  public static let manifestName = BytePath("manifest.json")

  /// The key of the manifest of a tree, relative to the watched directory: that of a file of this name in the tree.
  public func manifestKey(ofTree tree: BytePath) -> ObjectKey { key(for: tree.appending(Self.manifestName)) }

  /// The only other path, relative to the watched directory, that would get the key of `path`; nil if there is none.
  ///
  /// There can be one only where the source prefix lies below the watched directory: then a path that it does not
  /// strip keeps its whole length, and may read like one that it does strip.
  public func rival(of path: BytePath) -> BytePath? {
    guard sourcePrefix != watch, sourcePrefix.isWithin(watch) else { return nil }
    let absolute = watch.appending(path)
    guard let stripped = absolute.relative(to: sourcePrefix) else {
      return sourcePrefix.appending(absolute).relative(to: watch)
    }
    let unstripped = BytePath([UInt8(ascii: "/")] + stripped.bytes)
    return unstripped.isWithin(sourcePrefix) ? nil : unstripped.relative(to: watch)
  }

  /// Why `key` cannot be an object's name, nil if it can. Checked before anything is sent.
  public static func problem(with key: ObjectKey) -> String? {
    if key.bytes.isEmpty { return "the key is empty" }
    if key.bytes.count > longestKey { return "the key has \(key.bytes.count) bytes, S3 allows \(longestKey)" }
    // By places: to split the key would take memory for each of a million keys.
    var start = 0
    for end in 0...key.bytes.count where end == key.bytes.count || key.bytes[end] == UInt8(ascii: "/") {
      if start == end { return "the key contains an empty component ('//')" }
      if end - start <= 2, key.bytes[start..<end].allSatisfy({ $0 == UInt8(ascii: ".") }) {
        return "the key contains a '\(escaped(key.bytes[start..<end]))' component"
      }
      start = end + 1
    }
    return nil
  }
}

/// `prefix` and `rest` with exactly one slash between them.
public func joinedKey(_ prefix: [UInt8], _ rest: [UInt8]) -> ObjectKey {
  prefix.isEmpty ? ObjectKey(rest) : joinedKey(prefix, rest[...])
}

private func joinedKey(_ prefix: [UInt8], _ rest: ArraySlice<UInt8>) -> ObjectKey {
  if prefix.isEmpty { return ObjectKey(Array(rest)) }
  var bytes = [UInt8]()
  bytes.reserveCapacity(prefix.count + 1 + rest.count)
  bytes.append(contentsOf: prefix)
  bytes.append(UInt8(ascii: "/"))
  bytes.append(contentsOf: rest)
  return ObjectKey(bytes)
}

/// `bytes` without slashes at either end.
public func trimmingSlashes(_ bytes: [UInt8]) -> [UInt8] {
  var rest = trimmingLeadingSlashes(bytes)
  while rest.last == UInt8(ascii: "/") { rest.removeLast() }
  return Array(rest)
}

private func trimmingLeadingSlashes(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
  bytes.drop { $0 == UInt8(ascii: "/") }
}
