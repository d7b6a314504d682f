import SlipwayModel

extension InMemoryLedger {
  func applyToMultiparts(_ change: LedgerChange) {
    switch change {
    case .multipart(let upload): save(upload)
    case .part(let part, let upload): save(part, of: upload)
    case .multipartEnded(let upload):
      if multiparts[key(of: upload)]?.token == upload.token { multiparts[key(of: upload)] = nil }
    case .unanswered(let upload): note(upload)
    case .unansweredEnded(let upload):
      if let known = known(upload), known.latest <= upload.latest { unanswered.remove(known) }
    default: break
    }
  }

  private func key(of upload: MultipartUpload) -> UploadKey {
    UploadKey(run: upload.run, path: upload.path, destination: upload.destination)
  }

  private func save(_ upload: MultipartUpload) {
    var upload = upload
    let known = multiparts[key(of: upload)]
    upload.parts = known?.token == upload.token ? known?.parts ?? [] : []
    multiparts[key(of: upload)] = upload
  }

  private func save(_ part: MultipartUpload.Part, of upload: MultipartUpload) {
    guard var known = multiparts[key(of: upload)], known.token == upload.token else { return }
    known.parts.removeAll { $0.number == part.number }
    known.parts.append(part)
    known.parts.sort { $0.number < $1.number }
    multiparts[key(of: upload)] = known
  }

  package func multipartUpload(
    of run: RunID, _ path: BytePath, at destination: DestinationName
  ) throws(Failure) -> MultipartUpload? {
    multiparts[UploadKey(run: run, path: path, destination: destination)]
  }

  package func abandonedUploads(of run: RunID?) throws(Failure) -> [MultipartUpload] {
    multiparts.values.filter { upload in
      (run == nil || upload.run == run) && runs[upload.run]?.state.isFinal == true
    }.sorted { $0.token < $1.token }
  }

  package func unansweredUploads() throws(Failure) -> [UnansweredUpload] {
    unanswered.sorted { ($0.latest, $0.key) < ($1.latest, $1.key) }
  }

  private func known(_ upload: UnansweredUpload) -> UnansweredUpload? {
    unanswered.first { $0.key == upload.key && $0.destination == upload.destination }
  }

  private func note(_ upload: UnansweredUpload) {
    let known = known(upload)
    if let known { unanswered.remove(known) }
    unanswered.insert(
      UnansweredUpload(
        destination: upload.destination, key: upload.key, first: min(upload.first, known?.first ?? upload.first),
        latest: max(upload.latest, known?.latest ?? upload.latest)))
  }

  package func hasMultipartUpload(to key: ObjectKey, at destination: DestinationName) throws(Failure) -> Bool {
    multiparts.values.contains { $0.key == key && $0.destination == destination }
  }
}
