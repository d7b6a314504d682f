extension Node {
  /// This node with what a later file says over it: mappings key by key, anything else replaced.
  func overlaid(by later: Node) -> Node {
    guard case .mapping(let ours) = content, case .mapping(let theirs) = later.content else { return later }
    var places: [String: Int] = [:]
    var entries = ours
    for (index, entry) in ours.enumerated() { places[entry.key] = index }
    for entry in theirs {
      guard let place = places[entry.key] else {
        entries.append(entry)
        continue
      }
      let value = entries[place].value.overlaid(by: entry.value)
      entries[place] = MappingEntry(key: entry.key, keyMark: entry.keyMark, value: value)
    }
    return Node(content: .mapping(entries), mark: later.mark, weight: weight)
  }
}
