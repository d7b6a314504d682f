import SlipwayModel

/// Writes the manifest of a run: its head on lines of its own, then an object a line, streamed from the ledger.
struct Manifest {
  static let pageSize = 1000

  let session: RunSession
  /// Runs whose objects stand in the same manifest.
  var companions: [RunSession] = []

  /// Without objects, for pre hooks.
  func writeBeforeUpload() throws(Failure) {
    try EmptyManifest(run: session.run, destinations: session.context.destinations.map(\.name), files: files)
      .write(to: session.ports.runFiles)
  }

  /// With what the ledger knows of the run's objects. `outcome` is what the run is about to be; nil: what it is.
  func writeAfterUpload(as outcome: Run.Outcome? = nil) async throws(Failure) {
    var run = session.run
    run.outcome = outcome ?? run.outcome
    let ledger = session.ports.ledger
    let file = try session.ports.runFiles.beginManifest(of: session.run.id)
    var counts: [DestinationName: UploadCounts] = [:]
    for run in sessions.map(\.run.id) { counts.merge(try await ledger.uploadCounts(of: run)) { $0 + $1 } }
    let destinations = session.context.destinations.map { ($0.name, counts[$0.name]) }
    try file.append(ManifestHead(run: run, destinations: destinations, files: files).text)
    var isFirst = true
    for session in sessions { try await append(session.run, to: file, isFirst: &isFirst) }
    try file.append(Array("\n]}\n".utf8))
    try file.commit()
  }

  private var sessions: [RunSession] { [session] + companions }

  /// nil where the tree is all there is to tell.
  private var files: [ManifestHead.File]? {
    if session.workflow.intake.hookBatch == nil { return nil }
    return sessions.map { ManifestHead.File(run: $0.run.id, path: $0.place) }
  }

  private func append(_ run: Run, to file: any ManifestFile, isFirst: inout Bool) async throws(Failure) {
    var last: BytePath?
    while true {
      let rows = try await session.ports.ledger.uploads(of: run.id, after: last, limit: Self.pageSize)
      guard let end = rows.last else { return }
      try file.append(lines(rows, of: run, isFirst: &isFirst))
      last = end.path
    }
  }

  private func lines(_ rows: [UploadRecord], of run: Run, isFirst: inout Bool) -> [UInt8] {
    var text: [UInt8] = []
    for row in rows {
      guard case .proven(let receipt) = row.status else { continue }
      if !isFirst { text += Array(",\n".utf8) }
      isFirst = false
      text += object(row, receipt, of: run)
    }
    return text
  }

  private func object(_ row: UploadRecord, _ receipt: PutReceipt, of run: Run) -> [UInt8] {
    let checksum = receipt.checksum.map {
      JSONText.object([
        "algorithm": JSONText.string($0.algorithm.rawValue), "value": JSONText.string($0.hexadecimalValue),
      ])
    }
    return JSONText.object([
      "destination": JSONText.string(row.destination.text),
      "path": JSONText.string(run.tree.label(of: row.path).bytes),
      "key": JSONText.string(row.key.bytes),
      "url": JSONText.string(session.ports.stores[row.destination]?.url(of: row.key) ?? ""),
      "size": JSONText.number(receipt.size), "etag": JSONText.string(receipt.etag),
      "checksum": checksum ?? JSONText.null,
      "mtime": JSONText.string(Self.seconds(row.fingerprint.modified)), "sent": JSONText.bool(receipt.isSent),
    ])
  }

  /// As `stat -c %.9Y` prints it.
  static func seconds(_ nanoseconds: Int64) -> String {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest < 0
      ? "\(seconds - 1).\(digits(Int(rest + 1_000_000_000), 9))" : "\(seconds).\(digits(Int(rest), 9))"
  }
}
