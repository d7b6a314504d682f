import SlipwayModel

extension RunID {
  /// One that no other run has, made at the same moment or not.
  static func unique(at time: Timestamp) -> RunID {
    RunID(at: time, entropy: (.random(in: .min ... .max), .random(in: .min ... .max)))
  }
}
