/// What happened to a run.
public enum RunEvent: Sendable, Hashable {
  /// The engine has a place for it; its keys are fixed now.
  case started(targetPrefix: [UInt8])
  case prepared(HookOutput, TreeSettings = TreeSettings())
  /// A pre hook, or a part of the upload, failed; the worst of the errors decides.
  case attemptFailed(String, AttemptError)
  /// A file is not what was planned: the pre hooks must see it again.
  case sourceChanged
  case uploaded
  /// Every post hook that is due has ended well, or, of a failed run, has been run.
  case finished
  case postHookFailed(String)
  /// A post hook ended well: the next one has all its attempts before it.
  case postHookSucceeded
  case retired
  case retireFailed(String, isPermanent: Bool)
  /// A file of a queue, whose run has failed for good, is put back at that time.
  case resubmitted(String, until: Timestamp)
  /// The scan before `after` found files that have not been delivered.
  case foundChanges(String)
  /// A hook ended with 75.
  case deferred(String)
  /// A pre hook ended with 77.
  case skipped(String)
  /// The marker went before anything was done, or a person said so.
  case cancelled(String)
  /// It can never be done: its workflow is gone, its keys are another tree's.
  case impossible(String)
  /// A wait is over, or the process was started again.
  case resumed
  /// A person wants a failed run to go on.
  case retried
}

/// What the errors of one attempt mean together.
public enum AttemptError: Sendable, Hashable {
  /// It counts, and comes again, not before `retryAfter`.
  case retryable(retryAfter: Duration?)
  /// A destination refuses: waited for without counting, where the engine does that.
  case blocked
  /// A destination is out for all runs, and waited for without counting; it is tried again at `until`.
  case out(until: Timestamp)
  /// All errors were permanent: the last attempt.
  case permanent
}

/// What the engine must do once the changed row is committed.
public enum RunAction: Sendable, Hashable {
  case prepare
  case upload
  case finish
  case retire
  case wait(until: Timestamp)
  /// Nothing; the run is over.
  case end
}

/// What a transition needs to know of the world.
public struct TransitionContext: Sendable {
  public var now: Timestamp
  public var retry: RetryPolicy
  /// In 0...1, drawn anew for each transition.
  public var jitter: Double
  /// Whether a blocked destination uses up attempts (`--once`, `push`).
  public var countsBlocked: Bool

  public init(now: Timestamp, retry: RetryPolicy, jitter: Double, countsBlocked: Bool) {
    self.now = now
    self.retry = retry
    self.jitter = jitter
    self.countsBlocked = countsBlocked
  }
}

extension Run {
  /// Moves the run and returns what is to be done next. Pure. A run that is over stays as it is, whatever comes late; but
  /// one that has failed can be retried.
  public mutating func apply(_ event: RunEvent, in context: TransitionContext) -> RunAction {
    if state.isFinal, event != .retried || state != .failed { return .end }
    updated = context.now
    switch event {
    case .started(let prefix):
      targetPrefix = prefix
      return begin(.prepare)
    case .resumed: return begin(stageToResume)
    case .prepared(let output, let settings):
      (self.output, self.settings) = (output, settings)
      return enter(.uploading, then: .upload)
    case .attemptFailed(let message, let error): return attemptFailed(message, error, context)
    case .sourceChanged: return begin(.prepare)
    case .uploaded:
      // An attempt for what was found before `after` is one more try of that: a tree that never rests must end.
      if outcome != .success { failures = 0 }
      outcome = .success
      return enter(.uploaded, then: .finish)
    case .postHookSucceeded:
      failures = 0
      return .finish
    case .postHookFailed(let message): return stageFailed(message, .finish, context)
    case .finished:
      // Straight from `uploaded` no hook has failed: what is counted there is not theirs.
      if state == .finishing { failures = 0 }
      return enter(.retiring, then: .retire)
    case .retired: return enter(outcome == .success ? .done : .failed, then: .end)
    case .retireFailed(let message, let isPermanent):
      return stageFailed(message, .retire, context, isLast: isPermanent)
    case .resubmitted(let message, let until): return wait(.retire, until: until, message)
    case .foundChanges(let message): return foundChanges(message, context)
    case .deferred(let message):
      // The attempt that it cut short does not count: the next one has its number.
      if stageToResume == .prepare { attempt -= 1 }
      return wait(stageToResume, until: context.now + context.retry.deferral, message, isDeferral: true)
    case .skipped(let message):
      error = message
      return enter(.skipped, then: .end)
    case .cancelled(let message):
      error = message
      return enter(.cancelled, then: .end)
    case .impossible(let message): return fail(message, in: stageToResume)
    case .retried: return retry(context)
    }
  }

  /// What the run goes on with when its process was started again.
  public var stageToResume: RunState.Stage {
    switch state {
    case .waiting(let waiting): waiting.stage
    case .uploading: .upload
    case .uploaded, .finishing: .finish
    case .retiring: .retire
    case .ready, .preparing, .done, .failed, .skipped, .cancelled: .prepare
    }
  }

  private mutating func begin(_ stage: RunState.Stage) -> RunAction {
    switch stage {
    case .prepare:
      attempt += 1
      return enter(.preparing, then: .prepare)
    case .upload:
      attempt += 1
      return enter(.uploading, then: .upload)
    case .finish: return enter(.finishing, then: .finish)
    case .retire: return enter(.retiring, then: .retire)
    }
  }

  private mutating func attemptFailed(
    _ message: String, _ error: AttemptError, _ context: TransitionContext
  ) -> RunAction {
    let stage = stageToResume
    switch error {
    case .permanent: return stageFailed(message, stage, context, isLast: true)
    case .blocked where !context.countsBlocked:
      self.error = message
      let until = context.now + context.retry.wait(afterFailed: attempt, jitter: context.jitter)
      return wait(stage, until: until, message)
    case .blocked: return stageFailed(message, stage, context)
    case .out(let until):
      self.error = message
      return wait(stage, until: until, message)
    case .retryable(let retryAfter): return stageFailed(message, stage, context, retryAfter: retryAfter)
    }
  }

  /// Another attempt; a run that has failed for good gets none, and what it has found is not disposed of.
  private mutating func foundChanges(_ message: String, _ context: TransitionContext) -> RunAction {
    if outcome != .failure { return stageFailed(message, .retire, context, resuming: .prepare) }
    error = message
    return enter(.failed, then: .end)
  }

  /// One more failure of a stage: again after a wait, or the end of its attempts.
  private mutating func stageFailed(
    _ message: String, _ stage: RunState.Stage, _ context: TransitionContext, retryAfter: Duration? = nil,
    resuming: RunState.Stage? = nil, isLast: Bool = false
  ) -> RunAction {
    error = message
    failures += 1
    if isLast || failures >= context.retry.attempts { return giveUp(stage, message) }
    let wait = context.retry.wait(afterFailed: failures, jitter: context.jitter, atLeast: retryAfter)
    return self.wait(resuming ?? stage, until: context.now + wait, message)
  }

  private mutating func giveUp(_ stage: RunState.Stage, _ message: String) -> RunAction {
    switch (outcome, stage) {
    case (.failure, .retire): return enter(.failed, then: .end)
    case (.failure, .finish):
      failures = 0
      return enter(.retiring, then: .retire)
    default: return fail(message, in: stage)
    }
  }

  /// The run has failed for good: it still owes the hooks for that, and `after`.
  private mutating func fail(_ message: String, in stage: RunState.Stage) -> RunAction {
    error = message
    failedStage = stage
    outcome = .failure
    failures = 0
    return enter(.finishing, then: .finish)
  }

  /// From where it failed, with all attempts before it; what follows the upload has been delivered.
  private mutating func retry(_ context: TransitionContext) -> RunAction {
    guard state == .failed else { return .end }
    let stage = failedStage ?? .prepare
    outcome = stage == .finish || stage == .retire ? .success : nil
    failedStage = nil
    failures = 0
    return wait(stage, until: context.now, "retried by hand: \(error)")
  }

  private mutating func wait(
    _ stage: RunState.Stage, until: Timestamp, _ why: String, isDeferral: Bool = false
  ) -> RunAction {
    state = .waiting(RunState.Waiting(stage: stage, until: until, why: why, isDeferral: isDeferral))
    return .wait(until: until)
  }

  private mutating func enter(_ state: RunState, then action: RunAction) -> RunAction {
    self.state = state
    return action
  }
}

extension Run {
  /// A run that waits goes on now, whatever its time: not a deferral any more.
  public mutating func waitNoLonger(at now: Timestamp) {
    guard case .waiting(let waiting) = state else { return }
    updated = now
    state = .waiting(RunState.Waiting(stage: waiting.stage, until: now, why: waiting.why, isDeferral: false))
  }
}

extension Run {
  /// Ends a run that is not over, because somebody says so or nothing has been done for it yet.
  public mutating func cancel(_ why: String, at now: Timestamp) {
    error = why
    updated = now
    state = .cancelled
  }
}

extension Run {
  /// Ends a run that can never go on: nobody is left who could run its hooks.
  public mutating func abandon(_ why: String, at now: Timestamp) {
    error = why
    updated = now
    if outcome != .failure { failedStage = stageToResume }
    outcome = .failure
    state = .failed
  }
}
