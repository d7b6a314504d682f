import SlipwayModel

/// The entries of a mapping whose keys are the cases of `Key`; any other key is reported when the reader is made.
struct MappingReader<Key: RawRepresentable & CaseIterable & Hashable> where Key.RawValue == String {
  let context: DecodingContext
  /// Where a missing key is reported: at the name of the mapping, or at its start.
  let mark: Mark
  private var entries: [Key: MappingEntry] = [:]

  /// nil, with a problem, where `node` is no mapping.
  init?(_ node: Node, named mark: Mark? = nil, _ context: DecodingContext) {
    guard let found = context.entries(node) else { return nil }
    self.context = context
    self.mark = mark ?? node.mark
    for entry in found {
      if let key = Key(rawValue: entry.key) {
        entries[key] = entry
      } else {
        context.error(Self.unknown(entry.key), at: entry.keyMark)
      }
    }
  }

  subscript(key: Key) -> Node? { entries[key]?.value }

  func mark(of key: Key) -> Mark { entries[key]?.keyMark ?? mark }

  /// The value of a key that must be there.
  func required(_ key: Key) -> Node? {
    if let node = self[key] { return node }
    context.error("missing key '\(key.rawValue)'", at: mark)
    return nil
  }

  private static func unknown(_ key: String) -> String {
    let known = Key.allCases.map(\.rawValue)
    if let near = nearest(to: key, among: known) { return "unknown key \(quoted(key)); did you mean '\(near)'?" }
    return "unknown key \(quoted(key)); there \(known.count == 1 ? "is" : "are") \(enumerated(known))"
  }
}

extension DecodingContext {
  /// The entries of a mapping whose keys are names.
  func entries(_ node: Node) -> [MappingEntry]? {
    if case .mapping(let entries) = node.content { return entries }
    error("expected a mapping, found \(node.kind)", at: node.mark)
    return nil
  }
}

private func enumerated(_ words: [String]) -> String {
  guard words.count > 1, let last = words.last else { return words.joined() }
  return words.dropLast().joined(separator: ", ") + " and " + last
}
