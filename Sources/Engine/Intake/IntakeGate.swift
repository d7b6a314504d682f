import SlipwayModel

/// Whether a workflow still takes trees. Pure.
struct IntakeGate {
  private let rule: StopRule?
  private var isClosed = false
  private var isAborted = false
  /// Trees that count: begun in this process and not put off.
  private var taken = 0

  init(rule: StopRule?) {
    self.rule = rule
  }

  /// Whether new trees are still let in.
  var isOpen: Bool { !isClosed && !isAborted && !isFull }

  /// Whether a tree that is in may begin.
  var letsBegin: Bool { !isAborted && !isFull }

  /// Whether nothing more can begin, given whether runs of the workflow are still queued.
  func isOver(hasReady: Bool) -> Bool {
    isAborted || isFull || (isClosed && !hasReady)
  }

  private var isFull: Bool {
    if case .count(let limit) = rule { taken >= limit } else { false }
  }

  /// The complete marker was seen, and all that was ready before it is in.
  mutating func close() { isClosed = true }
  mutating func abort() { isAborted = true }
  mutating func began() { taken += 1 }
  /// A deferred tree gives its place back.
  mutating func wasPutOff() { taken -= 1 }
}
