#if DEBUG
  import SlipwayModel

  /// A ledger with a point before and after each commit.
  struct CrashingLedger: LedgerLayer {
    let kept: any Ledger
    private let points: CrashPoints

    init(_ kept: any Ledger, _ points: CrashPoints) {
      self.kept = kept
      self.points = points
    }

    func commit(_ changes: [LedgerChange]) async throws(Failure) {
      points.pass("ledger.commit.before")
      try await kept.commit(changes)
      points.pass("ledger.commit.after")
    }
  }
#endif
