import SlipwayModel

/// Compares a tree with its destinations and changes nothing. Reads files where only that tells.
struct MirrorPreview {
  let tree: TreeID
  let targets: [MirrorTarget]
  let reader: MirrorReader
  let files: any TreeFiles
  /// Whether what lies there without a file would be deleted.
  let deletes: Bool
  /// So many files are compared at once.
  var placesMax = 1
  /// Counts the files that have been compared, and their bytes.
  var meter = TransferMeter()

  /// What has come of one path.
  fileprivate struct Outcome: Sendable {
    var findings: [MirrorFinding] = []
    var count = MirrorCount()
  }

  /// Calls `tell` in the order of the paths.
  func run(_ tell: (MirrorFinding) -> Void) async throws(Failure) -> MirrorCount {
    var count = MirrorCount()
    try await sideBySide(atMost: placesMax) { () async throws(Failure) -> Piece<Outcome>? in
      try await reader.next().map(piece)
    } _: { outcome in
      count += outcome.count
      for finding in outcome.findings { tell(finding) }
    }
    return count
  }

  /// Files that the filter takes, so far.
  var taken: Int { reader.taken }

  private func piece(_ step: MirrorReader.Step) -> Piece<Outcome> {
    switch step.decision {
    case .none: .done(Outcome())
    case .gone(let path, let destinations): .done(gone(path, destinations))
    case .item(let item): .done(outcome(of: item))
    case .lost(_, let failure): .done(Outcome(failure))
    case .upload(let item, let approaches):
      .work { [comparison = FileComparison(tree: tree, targets: known, files: files, meter: meter)] in
        await comparison.run(item, approaches)
      }
    }
  }

  private var known: [MirrorTarget] { targets.filter { !reader.lost.contains($0.name) } }

  private func gone(_ path: BytePath, _ destinations: [DestinationName]) -> Outcome {
    var outcome = Outcome()
    guard deletes else { return outcome }
    for target in targets where destinations.contains(target.name) {
      outcome.count.different += 1
      outcome.count.deleted[target.name, default: 0] += 1
      outcome.findings.append(.delete(path, target.key(of: path), at: target.name))
    }
    return outcome
  }

  private func outcome(of item: PlanItem) -> Outcome {
    var outcome = Outcome()
    switch item.decision {
    case .skip(let reason): outcome.findings = [.skip(item.path, reason)]
    case .fail(let failure): outcome.add(failure)
    case .proven:
      outcome.count.compared = known.count
      meter.delivered()
    case .upload, .answer: break
    }
    return outcome
  }
}

extension MirrorPreview.Outcome {
  fileprivate init(_ failure: Failure) { add(failure) }

  fileprivate mutating func add(_ failure: Failure) {
    count.problems += 1
    findings.append(.problem(failure))
  }
}

/// One file beside what lies at its keys.
private struct FileComparison: Sendable {
  let tree: TreeID
  let targets: [MirrorTarget]
  let files: any TreeFiles
  let meter: TransferMeter

  /// Any task that may block.
  func run(_ item: PlanItem, _ approaches: [DestinationName: MirrorApproach]) async -> MirrorPreview.Outcome {
    var outcome = MirrorPreview.Outcome()
    for target in targets {
      outcome.count.compared += 1
      guard let approach = approaches[target.name] else { continue }
      do throws(Failure) {
        guard let finding = try await finding(item, approach, target) else { continue }
        outcome.count.different += 1
        if case .copy = finding { outcome.count.moved[target.name, default: 0] += 1 }
        outcome.findings.append(finding)
      } catch {
        outcome.add(error)
      }
    }
    meter.delivered()
    return outcome
  }

  /// nil if both are equal.
  private func finding(
    _ item: PlanItem, _ approach: MirrorApproach, _ target: MirrorTarget
  ) async throws(Failure) -> MirrorFinding? {
    let key = target.key(of: item.path)
    switch approach {
    case .send: return .upload(item.path, key, at: target.name)
    case .replace: return .replace(item.path, key, at: target.name)
    case .copy(let source, _): return .copy(item.path, key, at: target.name, from: source)
    case .compare(let known):
      let file = try files.open(item.path, in: tree.path)
      let isEqual = try await target.store.recognise(file, at: key, as: known) != nil
      meter.sent(file.fingerprint.size)
      return isEqual ? nil : .replace(item.path, key, at: target.name)
    }
  }
}
