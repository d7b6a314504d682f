import Engine
import SlipwayModel
import StatusServing

/// What the engine under way answers another process's verbs.
struct EngineAnswers: Sendable {
  let engine: Orchestrator

  func answer(_ request: ControlRequest) async -> ControlAnswer {
    switch request {
    case .health: ControlAnswer(.done, HealthText.bytes(await engine.health))
    case .push(let workflow, let trees): await push(workflow, trees)
    case .retry, .retryFailed, .cancel:
      await RunAnswers(control: engine, isUnderWay: true).answer(request)
    }
  }

  private func push(_ workflow: WorkflowName, _ trees: [BytePath]) async -> ControlAnswer {
    do throws(Failure) {
      return ControlAnswer(.done, Array(try await engine.push(workflow, trees).answer.utf8))
    } catch {
      return ControlAnswer(error)
    }
  }
}
