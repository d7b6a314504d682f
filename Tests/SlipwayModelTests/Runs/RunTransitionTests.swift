import SlipwayModel
import Testing

let noon = Timestamp(seconds: 43_200)

func context(attempts: Int = 3, jitter: Double = 1, countsBlocked: Bool = false) -> TransitionContext {
  TransitionContext(
    now: noon,
    retry: RetryPolicy(attempts: attempts, backoff: .seconds(1) ... .seconds(300), deferral: .seconds(60)),
    jitter: jitter, countsBlocked: countsBlocked)
}

func run(
  in state: RunState = .ready, attempt: Int = 1, failures: Int = 0, outcome: Run.Outcome? = nil
) -> Run {
  let tree = TreeID(workflow: WorkflowName("nightly"), watch: BytePath("/w"), name: BytePath("t"))
  var run = Run(id: RunID("r"), tree: tree, marker: nil, created: Timestamp(seconds: 0))
  run.state = state
  run.attempt = attempt
  run.failures = failures
  run.outcome = outcome
  return run
}

func waiting(_ stage: RunState.Stage, for seconds: Int64, _ why: String = "e", isDeferral: Bool = false) -> RunState {
  .waiting(
    RunState.Waiting(stage: stage, until: noon + .seconds(seconds), why: why, isDeferral: isDeferral))
}

func wait(_ seconds: Int64) -> RunAction { .wait(until: noon + .seconds(seconds)) }

@Suite("A run's transitions")
struct RunTransitionTests {
  struct Step: CustomTestStringConvertible, Sendable {
    var from: Run
    let event: RunEvent
    let state: RunState
    let action: RunAction
    var attempt = 1
    var failures = 0
    var outcome: Run.Outcome?
    var error = ""

    var testDescription: String { "\(from.state.name) + \(event)" }
  }

  static let progress: [Step] = [
    Step(from: run(attempt: 0), event: .started(targetPrefix: [1]), state: .preparing, action: .prepare),
    Step(from: run(in: .preparing), event: .prepared(HookOutput()), state: .uploading, action: .upload),
    Step(
      from: run(in: .uploading, failures: 2), event: .uploaded, state: .uploaded, action: .finish, outcome: .success),
    Step(
      from: run(in: .uploaded, outcome: .success), event: .finished, state: .retiring, action: .retire,
      outcome: .success),
    Step(
      from: run(in: .finishing, failures: 2, outcome: .success), event: .postHookSucceeded, state: .finishing,
      action: .finish, outcome: .success),
    Step(
      from: run(in: .finishing, failures: 2, outcome: .success), event: .finished, state: .retiring, action: .retire,
      outcome: .success),
    Step(from: run(in: .retiring, outcome: .success), event: .retired, state: .done, action: .end, outcome: .success),
    Step(from: run(in: .retiring, outcome: .failure), event: .retired, state: .failed, action: .end, outcome: .failure),
    Step(from: run(in: .uploading), event: .sourceChanged, state: .preparing, action: .prepare, attempt: 2),
    Step(from: run(in: .preparing), event: .skipped("e"), state: .skipped, action: .end, error: "e"),
    Step(from: run(attempt: 0), event: .cancelled("e"), state: .cancelled, action: .end, attempt: 0, error: "e"),
    Step(
      from: run(attempt: 0), event: .impossible("e"), state: .finishing, action: .finish, attempt: 0, outcome: .failure,
      error: "e"),
  ]

  static let restarts: [Step] = [
    Step(from: run(in: .preparing), event: .resumed, state: .preparing, action: .prepare, attempt: 2),
    Step(from: run(in: .uploading), event: .resumed, state: .uploading, action: .upload, attempt: 2),
    Step(
      from: run(in: .uploaded, outcome: .success), event: .resumed, state: .finishing, action: .finish,
      outcome: .success),
    Step(
      from: run(in: .finishing, failures: 1, outcome: .success), event: .resumed, state: .finishing, action: .finish,
      failures: 1, outcome: .success),
    Step(
      from: run(in: .retiring, outcome: .failure), event: .resumed, state: .retiring, action: .retire, outcome: .failure
    ),
    Step(from: run(in: waiting(.prepare, for: 5)), event: .resumed, state: .preparing, action: .prepare, attempt: 2),
    Step(from: run(in: waiting(.upload, for: 5)), event: .resumed, state: .uploading, action: .upload, attempt: 2),
    Step(from: run(in: waiting(.finish, for: 5)), event: .resumed, state: .finishing, action: .finish),
    Step(from: run(in: waiting(.retire, for: 5)), event: .resumed, state: .retiring, action: .retire),
  ]

  static let failures: [Step] = [
    Step(
      from: run(in: .preparing), event: .attemptFailed("e", .retryable(retryAfter: nil)),
      state: waiting(.prepare, for: 1),
      action: wait(1), failures: 1, error: "e"),
    Step(
      from: run(in: .uploading, failures: 1), event: .attemptFailed("e", .retryable(retryAfter: nil)),
      state: waiting(.upload, for: 2), action: wait(2), failures: 2, error: "e"),
    Step(
      from: run(in: .uploading), event: .attemptFailed("e", .retryable(retryAfter: .seconds(30))),
      state: waiting(.upload, for: 30), action: wait(30), failures: 1, error: "e"),
    Step(
      from: run(in: .uploading, failures: 2), event: .attemptFailed("e", .retryable(retryAfter: nil)),
      state: .finishing, action: .finish, outcome: .failure, error: "e"),
    Step(
      from: run(in: .preparing), event: .attemptFailed("e", .permanent), state: .finishing, action: .finish,
      outcome: .failure, error: "e"),
    Step(
      from: run(in: .uploading, attempt: 4, failures: 2), event: .attemptFailed("e", .blocked),
      state: waiting(.upload, for: 8), action: wait(8), attempt: 4, failures: 2, error: "e"),
    Step(
      from: run(in: .uploading, attempt: 4, failures: 2),
      event: .attemptFailed("e", .out(until: noon + .seconds(90))),
      state: waiting(.upload, for: 90), action: wait(90), attempt: 4, failures: 2, error: "e"),
    Step(
      from: run(in: .finishing, outcome: .success), event: .postHookFailed("e"), state: waiting(.finish, for: 1),
      action: wait(1), failures: 1, outcome: .success, error: "e"),
    Step(
      from: run(in: .uploaded, outcome: .success), event: .postHookFailed("e"), state: waiting(.finish, for: 1),
      action: wait(1), failures: 1, outcome: .success, error: "e"),
    Step(
      from: run(in: .finishing, failures: 2, outcome: .success), event: .postHookFailed("e"), state: .finishing,
      action: .finish, outcome: .failure, error: "e"),
    Step(
      from: run(in: .finishing, failures: 2, outcome: .failure), event: .postHookFailed("e"), state: .retiring,
      action: .retire, outcome: .failure, error: "e"),
    Step(
      from: run(in: .retiring, outcome: .success), event: .retireFailed("e", isPermanent: false),
      state: waiting(.retire, for: 1), action: wait(1), failures: 1, outcome: .success, error: "e"),
    Step(
      from: run(in: .retiring, outcome: .success), event: .retireFailed("e", isPermanent: true), state: .finishing,
      action: .finish, outcome: .failure, error: "e"),
    Step(
      from: run(in: .retiring, failures: 2, outcome: .failure), event: .retireFailed("e", isPermanent: false),
      state: .failed, action: .end, failures: 3, outcome: .failure, error: "e"),
    Step(
      from: run(in: .retiring, outcome: .success), event: .foundChanges("e"), state: waiting(.prepare, for: 1),
      action: wait(1), failures: 1, outcome: .success, error: "e"),
    Step(
      from: run(in: .retiring, outcome: .failure), event: .foundChanges("e"), state: .failed, action: .end,
      outcome: .failure, error: "e"),
  ]

  static let deferrals: [Step] = [
    Step(
      from: run(in: .preparing, failures: 2), event: .deferred("e"),
      state: waiting(.prepare, for: 60, isDeferral: true),
      action: wait(60), attempt: 0, failures: 2),
    Step(
      from: run(in: .finishing, failures: 2, outcome: .success), event: .deferred("e"),
      state: waiting(.finish, for: 60, isDeferral: true), action: wait(60), failures: 2, outcome: .success),
    Step(
      from: run(in: .uploaded, outcome: .success), event: .deferred("e"),
      state: waiting(.finish, for: 60, isDeferral: true), action: wait(60), outcome: .success),
  ]

  @Test("Each event moves a run as drawn", arguments: progress + restarts + failures + deferrals)
  func table(step: Step) {
    var run = step.from
    let action = run.apply(step.event, in: context())
    #expect(run.state == step.state)
    #expect(action == step.action)
    #expect(run.attempt == step.attempt)
    #expect(run.failures == step.failures)
    #expect(run.outcome == step.outcome)
    #expect(run.error == step.error)
    #expect(run.updated == noon)
  }

  @Test("Keys are fixed when the run starts, and what pre hooks said is kept")
  func records() {
    var run = run(attempt: 0)
    _ = run.apply(.started(targetPrefix: Array("p".utf8)), in: context())
    #expect(run.targetPrefix == Array("p".utf8))
    var output = HookOutput()
    output.tags = ["a": "b"]
    _ = run.apply(.prepared(output), in: context())
    #expect(run.output == output)
  }

  @Test("A refusing destination counts where the caller says so")
  func countedBlocks() {
    var once = run(in: .uploading, failures: 1)
    #expect(once.apply(.attemptFailed("e", .blocked), in: context(countsBlocked: true)) == wait(2))
    #expect(once.failures == 2)
    _ = once.apply(.resumed, in: context())
    #expect(once.apply(.attemptFailed("e", .blocked), in: context(countsBlocked: true)) == .finish)
    #expect(once.outcome == .failure)
  }

  @Test("A refusing destination is waited for ever longer, and never given up")
  func blocked() {
    var run = run(in: .uploading)
    var waits: [Duration] = []
    for _ in 0..<50 {
      guard case .wait(let until) = run.apply(.attemptFailed("e", .blocked), in: context()) else { break }
      waits.append(until - noon)
      _ = run.apply(.resumed, in: context())
    }
    #expect(waits.count == 50)
    #expect(Array(waits.prefix(5)) == [1, 2, 4, 8, 16].map { Duration.seconds($0) })
    #expect(waits.last == .seconds(300))
    #expect(run.failures == 0)
  }

  @Test("A deferral counts nothing, however often")
  func deferred() {
    var run = run(attempt: 0)
    _ = run.apply(.started(targetPrefix: []), in: context())
    for _ in 0..<50 {
      #expect(run.attempt == 1)
      #expect(run.apply(.deferred("later"), in: context()) == wait(60))
      #expect(run.apply(.resumed, in: context()) == .prepare)
    }
    #expect(run.failures == 0)
  }

  @Test("A tree that is never the same after its upload uses up its tries")
  func alwaysChanging() {
    var run = run(in: .retiring, outcome: .success)
    var rounds = 0
    while run.outcome == .success, rounds < 10 {
      _ = run.apply(.foundChanges("e"), in: context())
      for event in [RunEvent.resumed, .prepared(HookOutput()), .uploaded, .finished] where run.outcome == .success {
        _ = run.apply(event, in: context())
      }
      rounds += 1
    }
    #expect(rounds == 3)
    #expect(run.state == .finishing && run.outcome == .failure && run.error == "e")
  }

  @Test("A post hook that ended well gives the next one all its tries")
  func hooksCountApart() {
    var run = run(in: .finishing, failures: 2, outcome: .success)
    _ = run.apply(.postHookSucceeded, in: context())
    #expect(run.apply(.postHookFailed("e"), in: context()) == wait(1))
  }

  @Test(
    "A failed run that is retried goes on where it failed, with all its tries before it",
    arguments: [
      (RunState.preparing, nil, RunState.Stage.prepare), (.uploading, nil, .upload), (.finishing, .success, .finish),
      (.retiring, .success, .retire),
    ] as [(RunState, Run.Outcome?, RunState.Stage)])
  func retried(state: RunState, outcome: Run.Outcome?, stage: RunState.Stage) {
    var run = run(in: state, failures: 2, outcome: outcome)
    let failure: RunEvent =
      switch stage {
      case .prepare, .upload: .attemptFailed("e", .permanent)
      case .finish: .postHookFailed("e")
      case .retire: .retireFailed("e", isPermanent: true)
      }
    #expect(run.apply(failure, in: context()) == .finish)
    _ = run.apply(.finished, in: context())
    #expect(run.apply(.retired, in: context()) == .end && run.state == .failed)
    #expect(run.apply(.retried, in: context()) == wait(0))
    #expect(run.state == waiting(stage, for: 0, "retried by hand: e"))
    #expect(run.outcome == outcome && run.failures == 0 && run.error == "e" && run.failedStage == nil)
  }

  @Test("A run that was given up goes on where it stood; one that has not failed is not retried")
  func retriedOrNot() {
    var abandoned = run(in: .uploading)
    abandoned.abandon("e", at: noon)
    _ = abandoned.apply(.retried, in: context())
    #expect(abandoned.stageToResume == .upload && abandoned.outcome == nil)
    for state in [RunState.ready, .uploading, .done, .skipped, .cancelled] {
      var other = run(in: state)
      #expect(other.apply(.retried, in: context()) == .end)
      #expect(other == run(in: state) || !state.isFinal && other.state == state)
    }
  }
}
