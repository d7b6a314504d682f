import SlipwayModel

/// A destination of the file: its name is known even where the rest is wrong.
struct DestinationDraft {
  let name: DestinationName
  let mark: Mark
  let destination: Destination?
  /// Of a plugin.
  private(set) var program: Located<BytePath>?
}

private enum DestinationType: String, CaseIterable {
  case s3, directory, plugin
}

private enum DirectoryKey: String, CaseIterable {
  case type, path, prefix
}

extension DestinationDraft {
  init(decoding entry: MappingEntry, _ context: DecodingContext) {
    name = DestinationName(entry.key)
    mark = entry.keyMark
    context.checkName(entry.key, of: "destination", at: entry.keyMark)
    (destination, program) = Self.destination(entry, context)
  }

  private static func destination(
    _ entry: MappingEntry, _ context: DecodingContext
  ) -> (Destination?, program: Located<BytePath>?) {
    guard let entries = context.entries(entry.value) else { return (nil, nil) }
    guard let type = entries.first(where: { $0.key == "type" }) else {
      context.error("missing key 'type'", at: entry.keyMark)
      return (nil, nil)
    }
    switch context.choice(type.value, of: DestinationType.self) {
    case .s3: return (s3(entry, context), nil)
    case .directory: return (directory(entry, context), nil)
    case .plugin: return plugin(entry, context)
    case nil: return (nil, nil)
    }
  }

  private static func directory(_ entry: MappingEntry, _ context: DecodingContext) -> Destination? {
    guard let reader = MappingReader<DirectoryKey>(entry.value, named: entry.keyMark, context) else { return nil }
    let path = reader.required(.path).flatMap(context.path)
    let prefix = reader[.prefix].map(context.keyPrefix) ?? []
    guard let path, let prefix else { return nil }
    return Destination(
      name: DestinationName(entry.key), location: entry.keyMark.location, prefix: prefix, kind: .directory(path))
  }

  private static func plugin(
    _ entry: MappingEntry, _ context: DecodingContext
  ) -> (Destination?, program: Located<BytePath>?) {
    guard let reader = MappingReader<PluginKey>(entry.value, named: entry.keyMark, context) else { return (nil, nil) }
    let settings = PluginDestination.decoding(reader)
    let prefix = reader[.prefix].map(context.keyPrefix) ?? []
    guard let settings, let prefix else { return (nil, nil) }
    let destination = Destination(
      name: DestinationName(entry.key), location: entry.keyMark.location, prefix: prefix, kind: .plugin(settings.value))
    return (destination, Located(settings.value.program, settings.mark))
  }

  private static func s3(_ entry: MappingEntry, _ context: DecodingContext) -> Destination? {
    guard let reader = MappingReader<S3Key>(entry.value, named: entry.keyMark, context) else { return nil }
    let settings = S3Destination(decoding: reader)
    let prefix = reader[.prefix].map(context.keyPrefix) ?? []
    guard let settings, let prefix else { return nil }
    return Destination(
      name: DestinationName(entry.key), location: entry.keyMark.location, prefix: prefix, kind: .s3(settings))
  }
}

extension DecodingContext {
  /// The prefix of a destination, without slashes at its ends.
  func keyPrefix(_ node: Node) -> [UInt8]? {
    guard let text = text(node, allowingEmpty: true) else { return nil }
    let prefix = trimmingSlashes(Array(text.utf8))
    return check(keyPart: prefix, at: node.mark) ? prefix : nil
  }

  /// Names of workflows and destinations become directories, labels and parts of keys.
  func checkName(_ name: String, of thing: String, at mark: Mark) {
    if WorkflowName.isValid(name) { return }
    error(
      "the name of a \(thing) begins with a letter or digit and has only letters, digits, '.', '_' and '-', at most 64; "
        + "found \(quoted(name))", at: mark)
  }
}
