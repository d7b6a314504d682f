#if DEBUG
  import SlipwayModel

  /// The moments between the effects of an engine, each with a name: for tests, which end the process at one of them. Not
  /// in a release build.
  ///
  /// Every effect goes through a port, so that the points are put around the ports and nothing else knows of them.
  public struct CrashPoints: Sendable {
    /// Told the name of each point that is passed, such as `ledger.commit.after`; may not return. Any thread.
    public let pass: @Sendable (String) -> Void

    public init(pass: @escaping @Sendable (String) -> Void) {
      self.pass = pass
    }

    /// The same ports with a point before and after each effect.
    public func around(_ ports: EnginePorts) -> EnginePorts {
      var ports = ports
      ports.ledger = CrashingLedger(ports.ledger, self)
      ports.stores = ports.stores.mapValues { CrashingStore($0, self) }
      ports.hooks = CrashingHooks(ports.hooks, self)
      ports.files = CrashingFiles(ports.files, self)
      ports.runFiles = CrashingRunFiles(ports.runFiles, self)
      return ports
    }

    func around<Answer>(_ name: String, _ effect: () throws(Failure) -> Answer) throws(Failure) -> Answer {
      pass(name + ".before")
      let answer = try effect()
      pass(name + ".after")
      return answer
    }
  }
#endif
