import SlipwayModel

/// For verbs that start no hook.
struct NoHooks: HookRunner {
  func run(_ hook: HookInvocation, onLine: @escaping @Sendable ([UInt8]) -> Void) async -> HookResult {
    HookResult(ending: .couldNotStart("this verb starts no hooks"), output: [], duration: .zero)
  }
}
