/// What becomes of the symbolic links in a tree.
public enum SymlinkPolicy: String, Sendable, Hashable, CaseIterable {
  /// They are told by name and left out.
  case skip
  /// They stand for what they lead to, as long as the way there stays below the watched directory.
  case follow
}
