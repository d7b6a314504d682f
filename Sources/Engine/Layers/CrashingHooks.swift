#if DEBUG
  import SlipwayModel

  /// Hooks with a point before each start and after each end.
  struct CrashingHooks: HookRunner {
    private let hooks: any HookRunner
    private let points: CrashPoints

    init(_ hooks: any HookRunner, _ points: CrashPoints) {
      self.hooks = hooks
      self.points = points
    }

    func run(_ hook: HookInvocation, onLine: @escaping @Sendable ([UInt8]) -> Void) async -> HookResult {
      points.pass("hook.before")
      let result = await hooks.run(hook, onLine: onLine)
      points.pass("hook.after")
      return result
    }
  }
#endif
