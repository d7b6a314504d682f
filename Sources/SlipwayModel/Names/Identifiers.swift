/// The name of a workflow: `[A-Za-z0-9][A-Za-z0-9._-]*`, at most 64 bytes.
public struct WorkflowName: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) { self.text = text }
  public var description: String { text }
  public static func < (left: Self, right: Self) -> Bool { Array(left.text.utf8).precedes(Array(right.text.utf8)) }

  /// Whether `text` may name a workflow or a destination: it becomes a directory, a label and a part of keys.
  public static func isValid(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 64, isWordByte(first) else { return false }
    return text.utf8.allSatisfy { isWordByte($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}

/// The name of a destination; the same characters as a workflow's.
public struct DestinationName: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) { self.text = text }
  public var description: String { text }
  public static func < (left: Self, right: Self) -> Bool { Array(left.text.utf8).precedes(Array(right.text.utf8)) }
}

/// The name of an object in its bucket, as bytes. S3 allows 1 to 1,024 bytes of UTF-8.
public struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }
  public init(_ text: String) { self.bytes = Array(text.utf8) }
  /// The key for people, escaped.
  public var description: String { escaped(bytes) }
  public static func < (left: Self, right: Self) -> Bool { left.bytes.precedes(right.bytes) }
}

/// A tree: the workflow that takes it, the watched directory, and its name below that (`.` for the directory itself).
public struct TreeID: Hashable, Sendable, CustomStringConvertible {
  public let workflow: WorkflowName
  /// Absolute and normalized.
  public let watch: BytePath
  public let name: BytePath

  public init(workflow: WorkflowName, watch: BytePath, name: BytePath) {
    self.workflow = workflow
    self.watch = watch
    self.name = name
  }

  /// The tree's absolute path.
  public var path: BytePath { watch.appending(name) }

  /// A path in the tree for people and hooks: of a tree that is one file, that file's name.
  public func label(of path: BytePath) -> BytePath { path == .here ? name.name : path }
  public var description: String { "\(workflow): \(path)" }

  /// Whether one of the trees contains the other, whatever their workflows.
  public func overlaps(_ other: TreeID) -> Bool {
    path.isWithin(other.path) || other.path.isWithin(path)
  }
}
