import SlipwayModel

/// Whether a workflow still takes trees. Pure.
struct IntakeGate {
  private let rule: StopRule?
  private var isClosed = false
  private var isAborted = false
  /// Trees that count: begun in this process, neither deferred nor withdrawn.
  private(set) var taken: Int

  /// `taken`: by engines before this one in the same process.
  init(rule: StopRule?, taken: Int = 0) {
    self.rule = rule
    self.taken = taken
  }

  /// Whether new trees are still let in. A full intake takes them, too: one that is deferred gives its place to another.
  var isOpen: Bool { !isClosed && !isAborted }

  /// Whether a tree that is in may begin.
  var letsBegin: Bool { !isAborted && !isFull }

  /// Whether nothing begins any more but what is in already.
  var isOver: Bool { isAborted || isFull || isClosed }

  /// How many more trees may begin; nil without a limit.
  var placesLeft: Int? {
    if case .count(let limit) = rule { max(0, limit - taken) } else { nil }
  }

  private var isFull: Bool {
    if case .count(let limit) = rule { taken >= limit } else { false }
  }

  /// The complete marker was seen, and all that was ready before it is in.
  mutating func close() { isClosed = true }
  mutating func abort() { isAborted = true }
  mutating func began() { taken += 1 }
  /// A tree that was deferred, or withdrawn before it began, gives its place back.
  mutating func gaveBack() { taken -= 1 }
}
