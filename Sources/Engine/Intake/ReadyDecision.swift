import SlipwayModel

/// What a marker's state means. Pure.
enum ReadyDecision: Equatable {
  case ignore
  /// Somebody has it open for writing.
  case written
  /// It may still be written: look again after this long.
  case lookAgain(after: Duration)
  /// The tree is ready.
  case ready(MarkerIdentity)
  /// A run of the tree stands in the queue and will see this marker.
  case alreadyQueued(MarkerIdentity)
  /// The marker is gone: the next one counts, whatever it looks like.
  case forget

  /// A marker that was found, not told complete, and of which the kernel does not tell whether a writer has it open,
  /// is believed when it has not been touched for so long.
  static let settleTime = Duration.seconds(1)

  static func make(
    marker: MarkerState?, hint: NameHint, answered: MarkerIdentity?, isQueued: Bool, waitsForWriters: Bool
  ) -> ReadyDecision {
    guard let marker else { return answered == nil ? .ignore : .forget }
    if marker.identity == answered { return .ignore }
    if waitsForWriters {
      if marker.isOpenForWriting == true { return .written }
      if marker.isOpenForWriting == nil, hint == .found, marker.age < settleTime {
        return .lookAgain(after: settleTime - marker.age)
      }
    }
    return isQueued ? .alreadyQueued(marker.identity) : .ready(marker.identity)
  }
}
