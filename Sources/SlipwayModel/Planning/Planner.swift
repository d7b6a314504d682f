/// Decides what becomes of each thing that a walk finds. Pure: the engine, `--dry-run` and `explain` ask the same one.
///
/// A plan is the sequence of its answers over a walk, in byte order of the keys; nothing holds it whole.
public struct Planner: Sendable {
  private let tree: TreeID
  private let selection: FileSelection
  private let mapping: KeyMapping
  private let destinations: [(name: DestinationName, prefix: [UInt8])]
  private let destinationNames: [DestinationName]
  private let longestPrefix: Int
  private let innerMarker: BytePath?
  /// nil: no manifest is uploaded.
  private let manifestKey: ObjectKey?
  /// The fingerprint of another file (relative to the watched directory), asked only about a rival for one key.
  private let lookUp: @Sendable (BytePath) throws(Failure) -> Fingerprint?
  /// nil for a workflow without.
  private let sidecars: Sidecars?
  /// Of every object; those of a sidecar win.
  private let tags: [String: String]

  /// `destinations` lists the run's destinations with what they put in front of every key; `read` gives the content of a
  /// sidecar, relative to the watched directory, nil if there is none.
  public init(
    tree: TreeID, workflow: Workflow, selection: FileSelection, mapping: KeyMapping,
    destinations: [(name: DestinationName, prefix: [UInt8])], tags: [String: String] = [:],
    lookUp: @escaping @Sendable (BytePath) throws(Failure) -> Fingerprint?,
    read: @escaping @Sendable (BytePath) throws(Failure) -> [UInt8]? = { _ throws(Failure) in nil }
  ) {
    self.tree = tree
    self.selection = selection
    self.mapping = mapping
    self.destinations = destinations
    self.destinationNames = destinations.map(\.name)
    self.longestPrefix = destinations.map { joinedKey($0.prefix, []).bytes.count }.max() ?? 0
    self.manifestKey = workflow.commit == .manifest ? mapping.manifestKey(ofTree: tree.name) : nil
    self.innerMarker = workflow.intake.markerName
    self.lookUp = lookUp
    self.tags = tags
    sidecars = Sidecars(workflow, lookUp: lookUp, read: read)
  }

  /// What becomes of `entry`, given what this run's ledger rows say of its path (one a destination; empty at first).
  public func decide(_ entry: WalkEntry, rows: [UploadRecord] = []) -> PlanItem {
    let decision = decision(on: entry, rows)
    guard case .skip(let reason) = decision, case .file(let fingerprint) = entry.kind,
      reason == .sidecar || reason == .settings && entry.path == TreeSettings.fileName
    else { return PlanItem(path: entry.path, decision: decision) }
    return PlanItem(path: entry.path, decision: decision, consulted: fingerprint)
  }

  /// The digest of what would be uploaded; nil if there is nothing.
  public func digest(of walk: any TreeWalk) -> TreeDigest? {
    var digest = TreeDigest()
    while let entry = walk.next() { digest.add(decide(entry)) }
    return digest.fileCount > 0 ? digest : nil
  }

  private func decision(on entry: WalkEntry, _ rows: [UploadRecord]) -> PlanItem.Decision {
    switch entry.kind {
    case .unreadable(let failure): return .fail(failure)
    case .link: return .skip(.link)
    case .special: return .skip(.special)
    case .file(let fingerprint): return decision(onFile: entry.path, fingerprint, rows)
    }
  }

  private func decision(
    onFile path: BytePath, _ fingerprint: Fingerprint, _ rows: [UploadRecord]
  ) -> PlanItem.Decision {
    let watched = tree.name.appending(path)
    do throws(Failure) {
      switch try selection.verdict(on: watched) {
      case .skipped(.marker) where path.name == innerMarker && path != innerMarker:
        return .answer(
          inner: watched.parent, MarkerIdentity(inode: fingerprint.inode, modified: fingerprint.modified))
      case .skipped(let reason): return .skip(reason)
      case .taken(let rule): return try upload(watched, fingerprint, rule, rows)
      }
    } catch {
      return .fail(error)
    }
  }

  private func upload(
    _ watched: BytePath, _ fingerprint: Fingerprint, _ rule: FilterRule?, _ rows: [UploadRecord]
  ) throws(Failure) -> PlanItem.Decision {
    let key = mapping.key(for: watched)
    if let problem = keyProblem(key) { throw Self.refusal(of: watched, problem) }
    if let rival = mapping.rival(of: watched), try isTaken(rival) {
      throw Self.refusal(of: watched, "it and \(rival) have the same key \(key)")
    }
    if key == manifestKey {
      throw Self.refusal(
        of: watched, "it and the manifest of the run ('commit: manifest') have the same key \(key)",
        remedy: "exclude the file, or leave out 'commit'")
    }
    let sidecar = try sidecars?.sidecar(of: watched)
    let recorded = fingerprint.marked(by: sidecar?.fingerprint)
    let lacking = lacking(key, recorded, rows)
    if lacking.isEmpty {
      return .proven(
        PlannedUpload(
          fingerprint: fingerprint, key: key, destinations: destinationNames, rule: rule, recorded: recorded))
    }
    var tags = tags
    if let sidecars, let sidecar {
      tags.merge(try sidecars.tags(of: watched, from: sidecar)) { _, narrower in narrower }
    }
    return .upload(
      PlannedUpload(
        fingerprint: fingerprint, key: key, destinations: lacking, rule: rule, tags: tags, recorded: recorded))
  }

  private func lacking(_ key: ObjectKey, _ fingerprint: Fingerprint, _ rows: [UploadRecord]) -> [DestinationName] {
    if rows.isEmpty { return destinationNames }
    return destinations.filter { !Self.holds($0, key, fingerprint, rows) }.map(\.name)
  }

  private static func holds(
    _ destination: (name: DestinationName, prefix: [UInt8]), _ key: ObjectKey, _ fingerprint: Fingerprint,
    _ rows: [UploadRecord]
  ) -> Bool {
    rows.contains {
      $0.destination == destination.name
        && $0.isProven(for: fingerprint, at: joinedKey(destination.prefix, key.bytes))
    }
  }

  private func keyProblem(_ key: ObjectKey) -> String? {
    if let problem = KeyMapping.problem(with: key) { return problem }
    let longest = longestPrefix + key.bytes.count
    return longest > KeyMapping.longestKey
      ? "with the destination's prefix the key has \(longest) bytes, S3 allows \(KeyMapping.longestKey)" : nil
  }

  private func isTaken(_ rival: BytePath) throws(Failure) -> Bool {
    guard try lookUp(rival) != nil, case .taken = try selection.verdict(on: rival) else { return false }
    return true
  }

  private static func refusal(of path: BytePath, _ cause: String, remedy: String = "") -> Failure {
    Failure(.permanent, "upload", path.description, cause: cause, remedy: remedy)
  }
}
