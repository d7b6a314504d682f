import SlipwayModel
import Synchronization

/// Runs no process: answers what the script says, and remembers what it was asked to run.
package final class ScriptedHookRunner: HookRunner {
  /// What a hook does; may write files in the tree, or wait.
  package typealias Script = @Sendable (HookInvocation) async -> HookResult

  private struct State {
    var invocations: [HookInvocation] = []
    var next: [Script] = []
    var byTitle: [String: Script] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  /// In the order of their starts.
  package var invocations: [HookInvocation] { state.withLock { $0.invocations } }

  /// The next hook that no other script answers for does this; each call adds one more to the line.
  package func enqueue(_ script: @escaping Script) {
    state.withLock { $0.next.append(script) }
  }

  package func enqueue(_ result: HookResult) {
    enqueue { _ in result }
  }

  /// Whenever a hook with this program or shell text is started, it does this.
  package func always(_ title: String, _ script: @escaping Script) {
    state.withLock { $0.byTitle[title] = script }
  }

  package func run(_ hook: HookInvocation, onLine: @escaping @Sendable ([UInt8]) -> Void) async -> HookResult {
    let script = state.withLock { state -> Script? in
      state.invocations.append(hook)
      if let script = state.byTitle[hook.command.title] { return script }
      return state.next.isEmpty ? nil : state.next.removeFirst()
    }
    let result = await script?(hook) ?? .success
    for line in result.output.split(separator: UInt8(ascii: "\n")) { onLine(Array(line)) }
    return result
  }
}

extension HookResult {
  /// Exit code 0 without output: what a hook does that has no script.
  package static let success = HookResult.exited(0)

  package static func exited(_ code: Int32, output: String = "") -> HookResult {
    HookResult(ending: .exited(code), output: Array(output.utf8), duration: .milliseconds(1))
  }
}

extension Hook.Command {
  /// The program's path, or the text for the shell.
  fileprivate var title: String {
    switch self {
    case .program(let path, _): path.description
    case .shell(let text): text
    }
  }
}
