import SlipwayModel
import Testing

/// Walks through the states at random, and through all of them: whatever happens in whatever order, the promises hold.
@Suite("Every way through a run")
struct RunWalkTests {
  static let everyEvent: [RunEvent] = [
    .started(targetPrefix: []), .prepared(HookOutput()), .attemptFailed("e", .retryable(retryAfter: nil)),
    .attemptFailed("e", .blocked), .attemptFailed("e", .out(until: noon)), .attemptFailed("e", .permanent),
    .sourceChanged, .uploaded, .finished,
    .postHookFailed("e"), .postHookSucceeded, .retired, .retireFailed("e", isPermanent: false),
    .retireFailed("e", isPermanent: true), .foundChanges("e"), .deferred("e"), .skipped("e"), .cancelled("e"),
    .impossible("e"), .resumed,
  ]

  /// What can happen in a state at all. `resumed` stands for a restart where it is not the end of a wait.
  static func possibleEvents(in state: RunState) -> [RunEvent] {
    let attempt: [RunEvent] = [
      .attemptFailed("e", .retryable(retryAfter: nil)), .attemptFailed("e", .blocked), .attemptFailed("e", .permanent),
      .impossible("e"), .cancelled("e"), .resumed,
    ]
    switch state {
    case .ready: return [.started(targetPrefix: []), .impossible("e"), .cancelled("e")]
    case .preparing: return attempt + [.prepared(HookOutput()), .deferred("e"), .skipped("e")]
    case .uploading: return attempt + [.uploaded, .sourceChanged]
    case .uploaded, .finishing: return [.finished, .postHookFailed("e"), .postHookSucceeded, .deferred("e"), .resumed]
    case .retiring:
      return [
        .retired, .retireFailed("e", isPermanent: false), .retireFailed("e", isPermanent: true), .foundChanges("e"),
        .resumed,
      ]
    case .waiting: return [.resumed, .impossible("e"), .cancelled("e")]
    case .done, .failed, .skipped, .cancelled: return everyEvent
    }
  }

  /// What the actions that a run was given have been carried out for.
  private struct Trace {
    var wasUploaded = false
    var finished = 0
    var retired = 0
    var failedForGood = false
    var finishedAfterFailing = false
    var retiredAfterFailing = false

    mutating func note(_ event: RunEvent, _ before: Run, _ after: Run) {
      switch event {
      case .uploaded: wasUploaded = true
      case .finished: finished += 1
      default: break
      }
      if before.outcome != .failure, after.outcome == .failure { failedForGood = true }
      if failedForGood, after.state.name == "finishing" { finishedAfterFailing = true }
      if finishedAfterFailing, after.state.name == "retiring" { retiredAfterFailing = true }
    }
  }

  private func check(_ run: Run, _ action: RunAction, _ trace: Trace, attempts: Int) {
    switch run.state {
    case .done:
      #expect(run.outcome == .success && trace.wasUploaded && trace.finished > 0)
    case .failed:
      #expect(run.outcome == .failure && trace.finishedAfterFailing && trace.retiredAfterFailing)
    case .skipped, .cancelled: break
    default: #expect(run.failures < attempts, "\(run.state)")
    }
    switch run.state {
    case .waiting(let waiting): #expect(action == .wait(until: waiting.until))
    case .preparing: #expect(action == .prepare)
    case .uploading: #expect(action == .upload)
    case .uploaded, .finishing: #expect(action == .finish)
    case .retiring: #expect(action == .retire)
    case .done, .failed, .skipped, .cancelled: #expect(action == .end)
    case .ready: Issue.record("a run came back to ready")
    }
    if run.outcome == .success { #expect(trace.wasUploaded) }
  }

  @Test("Whatever can happen: done only with success, failed only past its hooks and after, tries bounded")
  func possibleWalks() {
    var random = SplitMix(state: 4)
    var ends: [String: Int] = [:]
    for _ in 0..<20_000 {
      var run = run(attempt: 0)
      var trace = Trace()
      for _ in 0..<60 where !run.state.isFinal {
        // Half of the steps go the straight way, or hardly a run would get to the end.
        let straight = Bool.random(using: &random) ? Self.progress(in: run.state) : nil
        guard let event = straight ?? Self.possibleEvents(in: run.state).randomElement(using: &random) else { break }
        let before = run
        let counts = Bool.random(using: &random)
        let action = run.apply(
          event, in: context(jitter: Double.random(in: 0...1, using: &random), countsBlocked: counts))
        trace.note(event, before, run)
        check(run, action, trace, attempts: 3)
      }
      ends[run.state.name, default: 0] += 1
    }
    for end in ["done", "failed", "skipped", "cancelled"] { #expect(ends[end, default: 0] > 100, "\(ends)") }
  }

  @Test("Even events that make no sense never make a run done without success, and never move one that is over")
  func senselessWalks() {
    var random = SplitMix(state: 5)
    for _ in 0..<20_000 {
      var run = run(attempt: 0)
      for _ in 0..<20 {
        guard let event = Self.everyEvent.randomElement(using: &random) else { break }
        let before = run
        let action = run.apply(event, in: context())
        if before.state.isFinal {
          #expect(run == before)
          #expect(action == .end)
        }
        if run.state == .done { #expect(run.outcome == .success) }
      }
    }
  }

  @Test("Failures alone end a run, from whatever state, in a bounded number of steps")
  func failuresEnd() {
    var random = SplitMix(state: 6)
    let attempts = 3
    for _ in 0..<5000 {
      var run = run(attempt: 0)
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        guard let event = Self.possibleEvents(in: run.state).randomElement(using: &random) else { break }
        _ = run.apply(event, in: context(attempts: attempts))
      }
      var steps = 0
      while !run.state.isFinal, steps < 100 {
        _ = run.apply(Self.failure(in: run.state), in: context(attempts: attempts))
        steps += 1
      }
      // Three stages, then the hooks and `after` of a failed run; a wait goes between any two tries.
      #expect(steps <= 5 * 2 * attempts, "\(run.state)")
    }
  }

  private static func failure(in state: RunState) -> RunEvent {
    switch state {
    case .ready: .started(targetPrefix: [])
    case .preparing, .uploading: .attemptFailed("e", .retryable(retryAfter: nil))
    case .uploaded, .finishing: .postHookFailed("e")
    case .retiring: .retireFailed("e", isPermanent: false)
    default: .resumed
    }
  }

  @Test("From every state that can be reached a run can end")
  func noTrap() {
    var reached: [Run] = [run(attempt: 0)]
    var seen: Set<String> = []
    var exits = 0
    while let run = reached.popLast() {
      let summary = "\(run.state) \(run.failures) \(String(describing: run.outcome))"
      guard run.attempt < 8, seen.insert(summary).inserted else { continue }
      #expect(canEnd(run), "\(summary)")
      exits += 1
      for event in Self.possibleEvents(in: run.state) {
        var next = run
        _ = next.apply(event, in: context())
        reached.append(next)
      }
    }
    #expect(exits > 30)
  }

  private func canEnd(_ start: Run) -> Bool {
    var run = start
    for _ in 0..<10 where !run.state.isFinal { _ = run.apply(Self.progress(in: run.state), in: context()) }
    return run.state.isFinal
  }

  private static func progress(in state: RunState) -> RunEvent {
    switch state {
    case .ready: .started(targetPrefix: [])
    case .preparing: .prepared(HookOutput())
    case .uploading: .uploaded
    case .uploaded, .finishing: .finished
    case .retiring: .retired
    default: .resumed
    }
  }
}
