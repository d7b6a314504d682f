import SlipwayModel

/// A destination of a mirror, as one pass over the tree sees it.
struct MirrorTarget: Sendable {
  let name: DestinationName
  let store: any ObjectStore
  /// What stands in front of each path in its key: nothing, or something that ends with a slash.
  let stem: [UInt8]
  /// What the ledger's rows are true of.
  let address: String
  /// Whether only a listing tells what is there.
  let isListed: Bool
  /// Whether an object may be copied to another name: nothing that it carries depends on its key or its run.
  let mayCopy: Bool

  func key(of path: BytePath) -> ObjectKey { ObjectKey(stem + path.bytes) }

  /// The same once it has been listed.
  var known: MirrorTarget {
    MirrorTarget(name: name, store: store, stem: stem, address: address, isListed: false, mayCopy: mayCopy)
  }

  /// The path of which `key` would be the key; nil for one that no file can have.
  func path(of key: ObjectKey) -> BytePath? {
    guard key.bytes.count > stem.count, key.bytes.starts(with: stem), KeyMapping.problem(with: key) == nil else {
      return nil
    }
    return BytePath(Array(key.bytes[stem.count...]))
  }
}

extension MirrorTarget {
  /// All destinations of a mirror that can be reached, with what the ledger knows of them. Throws a permanent failure
  /// where paths and keys do not go together.
  static func all(
    of tree: TreeID, _ context: WorkflowContext, targetPrefix: [UInt8], ports: EnginePorts, alwaysLists: Bool = false
  ) async throws(Failure) -> [MirrorTarget] {
    guard let whole = context.mapping(for: tree, targetPrefix: targetPrefix).stem else {
      throw Failure(
        .permanent, "mirror", tree.path.description, cause: "its source_prefix lies below it",
        remedy: "strip the watched directory, or one above it")
    }
    let stem = tree.name == .here ? whole : joinedKey(whole, tree.name.bytes).bytes
    let mayCopy = context.workflow.hooks.pre.isEmpty
    var targets: [MirrorTarget] = []
    for destination in context.destinations {
      guard let store = ports.stores[destination.name] else { continue }
      let front = joinedKey(destination.prefix, stem).bytes
      let below = trimmingSlashes(front).isEmpty ? [] : trimmingSlashes(front) + [UInt8(ascii: "/")]
      let address = address(store.url(of: ObjectKey(below)), context.workflow.intake.mirrorRule)
      let place = try await ports.ledger.mirrorPlace(of: tree, at: destination.name)
      let isKnown = place?.isComplete == true && place?.address == address
      targets.append(
        MirrorTarget(
          name: destination.name, store: store, stem: below, address: address, isListed: alwaysLists || !isKnown,
          mayCopy: mayCopy && destination.copiesAreEqual))
    }
    return targets
  }

  /// Where nothing is deleted, what else lies there has not been written down.
  private static func address(_ url: String, _ rule: MirrorRule?) -> String {
    rule?.deletes == true ? url : "\(url) (kept)"
  }
}

extension Destination {
  /// Whether a copy is what a put at its key would have made: no content type or other field depends on the key by more
  /// than its extension, and the put would have replaced whatever lies there, as a copy does. What a plugin makes of a
  /// key is its own.
  fileprivate var copiesAreEqual: Bool {
    switch kind {
    case .s3(let settings): settings.headers.isEmpty && settings.overwrite == .always
    case .directory: true
    case .plugin: false
    }
  }
}

/// How a destination comes by a file.
enum MirrorApproach: Sendable, Hashable {
  /// Nothing lies at its key.
  case send
  /// What lies there is something else.
  case replace
  /// What lies there may be equal.
  case compare(KnownObject)
  /// The content lies at the key of a file that is gone; what was proven of it.
  case copy(ObjectKey, PutReceipt)
}
