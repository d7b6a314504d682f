import SlipwayModel

/// What stands in a manifest before its objects.
struct ManifestHead {
  static let version = 1

  let run: Run
  /// With what the ledger counts of each; nil before the upload.
  let destinations: [(name: DestinationName, counts: UploadCounts?)]
  /// Where files share a start of a hook: those; else nil.
  var files: [File]?

  /// A file that is a tree, where it lies while it is in its run.
  struct File {
    let run: RunID
    let path: BytePath
  }

  /// Up to the `[` of the objects, a member a line.
  var text: [UInt8] {
    let members: [(String, [UInt8])] = [
      ("version", JSONText.number(Self.version)),
      ("run", JSONText.string(run.id.text)),
      ("workflow", JSONText.string(run.tree.workflow.text)),
      ("tree", JSONText.string(run.tree.path.bytes)),
      ("attempt", JSONText.number(run.attempt)),
      ("status", JSONText.string(run.outcome?.rawValue ?? "")),
      ("error", JSONText.string(run.outcome == .failure ? run.error : "")),
      ("destinations", JSONText.array(destinations.map(destination))),
    ]
    var text = Array("{".utf8)
    for (name, value) in members { text += JSONText.string(name) + Array(":".utf8) + value + Array(",\n".utf8) }
    if let files {
      let lines = files.map { file in
        JSONText.object(["run": JSONText.string(file.run.text), "path": JSONText.string(file.path.bytes)])
      }
      text += Array("\"files\":[\n".utf8) + Array(lines.joined(separator: Array(",\n".utf8))) + Array("\n],\n".utf8)
    }
    return text + Array("\"objects\":[\n".utf8)
  }

  private func destination(_ name: DestinationName, _ counts: UploadCounts?) -> [UInt8] {
    let status =
      switch counts {
      case nil: run.outcome == .success ? "success" : "none"
      case .some(let counts): counts.failed > 0 ? "failure" : "success"
      }
    return JSONText.object([
      "name": JSONText.string(name.text), "status": JSONText.string(status),
      "error": JSONText.string(counts?.error ?? ""),
    ])
  }
}

/// A manifest without objects: before the upload, or for a hook by hand.
public struct EmptyManifest: Sendable {
  private let run: Run
  private let destinations: [DestinationName]
  private let files: [ManifestHead.File]?

  public init(run: Run, destinations: [DestinationName]) {
    self.init(run: run, destinations: destinations, files: nil)
  }

  init(run: Run, destinations: [DestinationName], files: [ManifestHead.File]?) {
    self.run = run
    self.destinations = destinations
    self.files = files
  }

  /// Replaces the run's manifest. May be called again.
  public func write(to files: any RunFiles) throws(Failure) {
    let file = try files.beginManifest(of: run.id)
    try file.append(ManifestHead(run: run, destinations: destinations.map { ($0, nil) }, files: self.files).text)
    try file.append(Array("]}\n".utf8))
    try file.commit()
  }
}
