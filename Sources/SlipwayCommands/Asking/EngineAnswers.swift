import Engine
import SlipwayModel
import StatusServing

/// What the engine under way answers another process's verbs.
struct EngineAnswers: Sendable {
  let engine: Orchestrator

  func answer(_ request: ControlRequest) async -> ControlAnswer {
    switch request {
    case .outages: ControlAnswer(.done, OutageText.bytes(engine.knownOutages))
    case .push, .retry, .retryFailed, .cancel:
      await RunAnswers(control: engine, isUnderWay: true).answer(request)
    }
  }
}
