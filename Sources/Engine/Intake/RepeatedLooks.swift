import SlipwayModel

/// What is looked at again and again, and when. Pure.
struct RepeatedLooks {
  private struct Look {
    var pause: Duration
    var due: Timestamp
    /// It has been taken: whoever still finds reason to look adds it again.
    var isTaken = false
  }

  private let shortest: Duration
  private let longest: Duration
  private var looks: [BytePath: Look] = [:]
  /// No look is due before it, however many are: those of some time go together.
  private(set) var earliest: Timestamp?

  /// Of more files a walk finds what has become of them.
  static let filesMax = 10_000

  init(from shortest: Duration, to longest: Duration) {
    self.shortest = shortest
    self.longest = max(shortest, longest)
  }

  /// It is to be looked at: after the shortest pause or, if it has been, after twice the last one.
  mutating func add(_ path: BytePath, now: Timestamp) {
    let known = looks[path]
    if known?.isTaken == false || known == nil && looks.count >= Self.filesMax { return }
    let pause = known.map { min($0.pause * 2, longest) } ?? shortest
    looks[path] = Look(pause: pause, due: now + pause)
    earliest = min(earliest ?? now + pause, now + pause)
  }

  mutating func remove(_ path: BytePath) { looks[path] = nil }

  /// What is to be looked at now. What was taken so long ago that it would have been added again is forgotten.
  mutating func takeDue(at now: Timestamp) -> [BytePath] {
    looks = looks.filter { !$0.value.isTaken || now - $0.value.due < longest * 2 }
    let due = looks.filter { !$0.value.isTaken && $0.value.due <= now }.map(\.key)
    for path in due { looks[path]?.isTaken = true }
    earliest = looks.values.filter { !$0.isTaken }.map { max($0.due, now + shortest) }.min()
    return due
  }
}
