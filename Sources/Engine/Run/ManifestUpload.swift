import Logging
import SlipwayModel

/// `commit: manifest`: sends the run's manifest beside its objects, last of all, so that whoever waits for it never
/// sees half a tree.
///
/// It has no row of its own: the run's, once it is `uploaded`, is its proof. Until that is committed each attempt
/// writes it anew, as it then is, and sends it in place of the one before.
struct ManifestUpload {
  let session: RunSession
  let targets: [UploadFeed.Target]
  let attributes: ObjectAttributes
  let tally: AttemptTally

  /// Called once everything else is proven and settled. Returns when every destination holds the manifest, or the tally
  /// says why not. Throws a fatal failure alone.
  func perform() async throws(Failure) {
    do throws(Failure) {
      try await write()
    } catch {
      if error.kind == .fatal { throw error }
      return fail(error, at: nil)
    }
    for target in targets where !Task.isCancelled && !tally.leavesOut(target.name) {
      do throws(Failure) {
        try await send(to: target)
      } catch {
        if !Task.isCancelled { fail(error, at: target.name) }
      }
    }
  }

  /// As it is once the run is uploaded.
  private func write() async throws(Failure) {
    _ = try session.ports.runFiles.open(session.run.id, workflow: session.workflow.name)
    try await Manifest(session: session).writeAfterUpload(as: .success)
  }

  private func send(to target: UploadFeed.Target) async throws(Failure) {
    let key = joinedKey(target.prefix, session.context.manifestKey(of: session.run).bytes)
    let file = try session.ports.runFiles.openManifest(of: session.run.id)
    let context = PutContext(
      run: session.run.id, destination: target.name, path: KeyMapping.manifestName, attributes: attributes,
      progress: session.shared.meter, journal: session.ports.ledger, permits: target.lane, replaces: true)
    await target.lane.acquire()
    defer { target.lane.giveBack() }
    _ = try await target.store.put(file, at: key, context)
    tally.committed(to: target.name)
    session.logger.debug(
      "sent the manifest", metadata: ["destination": "\(target.name)", "key": "\(key)"])
  }

  private func fail(_ failure: Failure, at destination: DestinationName?) {
    let level: Logger.Level = tally.failed(failure, at: destination) ? .debug : .error
    session.logger.log(
      level: level, "\(failure.message)", metadata: destination.map { ["destination": "\($0)"] } ?? [:])
  }
}
