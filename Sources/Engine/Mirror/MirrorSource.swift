import SlipwayModel

/// The plan of a run whose tree is a mirror: hands on what is to be sent, and writes down what else the reader comes by.
/// Not for two tasks at once.
final class MirrorSource: PlanSource {
  private let reader: MirrorReader
  private let tree: TreeID
  private let ledger: any Ledger
  private var writes: [MirroredObject] = []
  private var forgets: [DestinationName: [BytePath]] = [:]
  private var pending = 0
  /// Destinations whose listing could not be read to its end.
  private(set) var lost: Set<DestinationName> = []
  private(set) var isWhole = false

  /// So many rows are written at once.
  private static let rowsMax = 512

  init(_ reader: MirrorReader, of tree: TreeID, in ledger: any Ledger) {
    self.reader = reader
    self.tree = tree
    self.ledger = ledger
  }

  nonisolated(nonsending) func next() async throws(Failure) -> PlanReader.Step? {
    while let step = try await reader.next() {
      // Before anything that lies there is known.
      if let mount = step.mount { try await ledger.commit([.mirrorMount(tree, mount)]) }
      writes += step.writes
      for row in step.forgets { forgets[row.destination, default: []].append(row.path) }
      pending += step.writes.count + step.forgets.count
      if pending >= Self.rowsMax { try await flush() }
      switch step.decision {
      case .none, .gone: continue
      case .item(let item): return .item(item, rows: [])
      case .upload(let item, let approaches): return .mirror(item, approaches)
      case .lost(let name, let failure):
        lost.insert(name)
        return .lost(name, failure)
      }
    }
    try await flush()
    isWhole = true
    return nil
  }

  nonisolated(nonsending) private func flush() async throws(Failure) {
    var changes: [LedgerChange] = writes.isEmpty ? [] : [.mirrored(tree, writes)]
    changes += forgets.map { .unmirrored(tree, $0.key, $0.value) }
    (writes, forgets, pending) = ([], [:], 0)
    if !changes.isEmpty { try await ledger.commit(changes) }
  }
}
