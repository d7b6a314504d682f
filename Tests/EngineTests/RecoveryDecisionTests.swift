import SlipwayModel
import Testing

@testable import Engine

@Suite struct RecoveryDecisionTests {
  @Test("A run goes on where its row stands")
  func resumes() {
    #expect(decide(.ready) == .enqueue)
    for state in [RunState.preparing, .uploading, .uploaded, .finishing, .retiring] {
      #expect(decide(state) == .resume)
    }
  }

  @Test("What was not settled when the machine went down is not trusted")
  func unsettled() {
    var run = Run(
      id: RunID("r"), tree: TreeID(workflow: WorkflowName("w"), watch: BytePath("/watch"), name: BytePath("a")),
      marker: nil, created: Timestamp(seconds: 10))
    let waiting = RunState.Waiting(stage: .upload, until: Timestamp(seconds: 9), why: "", isDeferral: false)
    for state in [RunState.preparing, .uploading, .waiting(waiting)] {
      run.state = state
      #expect(RecoveryDecision.hasLostUnsettled(run, machineStarted: Timestamp(seconds: 11)))
      #expect(!RecoveryDecision.hasLostUnsettled(run, machineStarted: Timestamp(seconds: 9)))
    }
    for state in [RunState.uploaded, .finishing, .retiring] {
      run.state = state
      #expect(!RecoveryDecision.hasLostUnsettled(run, machineStarted: Timestamp(seconds: 11)))
    }
  }

  @Test("A wait goes on in the service, and is over under --once")
  func waits() {
    let waiting = RunState.Waiting(stage: .upload, until: Timestamp(seconds: 9), why: "", isDeferral: true)
    #expect(decide(.waiting(waiting)) == .wait(waiting))
    #expect(decide(.waiting(waiting), isOnce: true) == .resume)
  }

  @Test("A run whose workflow or watched directory has gone from the file is given up")
  func abandoned() {
    #expect(decide(.uploading, workflow: "gone") == .abandon("its workflow 'gone' is no longer in the file"))
    #expect(decide(.uploading, watch: "/other") == .abandon("the workflow 'w' no longer watches /other"))
  }

  @Test("A run of a workflow that this process does not run is left alone")
  func left() {
    #expect(decide(.uploading, only: [WorkflowName("other")]) == .leave)
    #expect(decide(.uploading, workflow: "gone", only: [WorkflowName("other")]) != .resume)
  }

  private func decide(
    _ state: RunState, workflow: String = "w", watch: String = "/watch", only: Set<WorkflowName>? = nil,
    isOnce: Bool = false
  ) -> RecoveryDecision {
    let location = SourceLocation(file: "f", line: 1, column: 1)
    let configuration = Configuration(workflows: [
      Workflow(
        name: WorkflowName("w"), location: location,
        watch: [WatchDirectory(path: BytePath("/watch"), location: location)], intake: .marker(BytePath(".ready")),
        destinations: [])
    ])
    var run = Run(
      id: RunID("r"), tree: TreeID(workflow: WorkflowName(workflow), watch: BytePath(watch), name: BytePath("a")),
      marker: nil, created: Timestamp(seconds: 1))
    run.state = state
    return RecoveryDecision.make(for: run, configuration: configuration, only: only, isOnce: isOnce)
  }
}
