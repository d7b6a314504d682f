import LocalFiles
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Files whose closing nobody tells", .timeLimit(.minutes(1))) struct OpenFilesTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld(now: SystemClock().now())
    world.set { $0.stop = .markers(complete: BytePath(".complete"), abort: nil) }
    world.store().tellETags()
  }

  private func file(_ name: String) -> BytePath { world.directory.path("in/\(name)") }

  /// True for the first three who ask.
  private func opened() -> @Sendable () -> Bool {
    let looks = Mutex(0)
    return {
      looks.withLock { looks in
        looks += 1
        return looks <= 3
      }
    }
  }

  private func openFile(_ name: String) {
    let isOpen = opened()
    world.files.answer(file: file(name)) { state throws(Failure) in
      state.map { FileState(fingerprint: $0.fingerprint, isOpenForWriting: isOpen(), age: $0.age) }
    }
  }

  /// After each run that has been done, the next of these; after the last the intake is asked to end.
  private func afterEachRun(_ steps: [@Sendable () -> Void] = []) async {
    let left = Mutex(steps[...])
    await world.ledger.onCommit { [self] changes in
      for case .run(let run) in changes where run.state == .done {
        if let step = left.withLock({ $0.popFirst() }) {
          step()
        } else {
          _ = try? world.directory.write("", to: "in/.complete")
          world.events.push(.name(file(".complete"), .complete))
        }
      }
    }
  }

  @Test("A file is looked at until it is closed")
  func closed() async throws {
    world.set { $0.intake = .closed }
    try world.directory.write("1", to: "in/x")
    openFile("x")
    world.events.push(.name(file("x"), .found))
    await afterEachRun()
    try await world.process(mode: .service)
    #expect(world.keys() == ["x"])
  }

  @Test("So is a marker")
  func marker() async throws {
    try world.makeReady("t", ["x": "1"])
    let path = file("t/.ready")
    let identity = try #require(try LocalTreeFiles().marker(at: path)).identity
    let isOpen = opened()
    world.files.answer(marker: path) { () throws(Failure) in
      MarkerState(identity: identity, isOpenForWriting: isOpen(), age: .zero)
    }
    world.events.push(.name(path, .found))
    await afterEachRun()
    try await world.process(mode: .service)
    #expect(world.keys() == ["t/x"])
  }

  @Test("So is a file that a mirror has left out")
  func mirror() async throws {
    world.set { $0.intake = .mirror(MirrorRule(deletes: true)) }
    try world.directory.write("1", to: "in/a")
    world.events.push(.listed(watch: world.directory.path("in")))
    await afterEachRun([
      { [self] in
        _ = try? world.directory.write("2", to: "in/b")
        openFile("b")
        world.events.push(.name(file("b"), .found))
      }
    ])
    try await world.process(mode: .service)
    #expect(world.keys() == ["a", "b"])
  }

  @Test(
    "A run that was withdrawn because its tree is being written is made anew when that is over",
    arguments: [Intake.closed, .settled(.seconds(5))])
  func withdrawn(intake: Intake) async throws {
    world.set { $0.intake = intake }
    try world.directory.write("1", to: "in/x")
    openFile("x")
    world.clock.advance(by: .seconds(60))
    let run = Run(
      id: RunID("01"), tree: world.tree("x"), marker: MarkerIdentity(inode: 1, modified: 1),
      created: Timestamp(seconds: 1))
    try await world.ledger.commit([.run(run), .answered(run.tree, run.marker)])
    await afterEachRun()
    try await world.process(mode: .service)
    #expect(try await world.ledger.run(run.id)?.state == .cancelled)
    #expect(world.keys() == ["x"])
  }
}

@Suite struct RepeatedLooksTests {
  private let begin = Timestamp(seconds: 100)
  private let one = BytePath("/w/1")
  private let other = BytePath("/w/2")

  @Test("The pauses double up to the longest one, and what is added while it is due changes nothing")
  func pauses() {
    var looks = RepeatedLooks(from: .seconds(1), to: .seconds(5))
    var (now, pauses): (Timestamp, [Duration]) = (begin, [])
    for _ in 0..<5 {
      for _ in 0..<2 { looks.add(one, now: now) }
      guard let next = looks.earliest else { break }
      #expect(looks.takeDue(at: next + .nanoseconds(-1)) == [] && looks.takeDue(at: next) == [one])
      pauses.append(next - now)
      now = next
    }
    #expect(pauses == [1, 2, 4, 5, 5].map { .seconds($0) })
    #expect(looks.earliest == nil)
  }

  @Test("What has been seen closed, or is added no more, is looked at no more, and begins anew")
  func forgotten() {
    var looks = RepeatedLooks(from: .seconds(1), to: .seconds(4))
    for path in [one, other] { looks.add(path, now: begin) }
    looks.remove(one)
    #expect(looks.takeDue(at: begin + .seconds(1)) == [other])
    #expect(looks.earliest == nil && looks.takeDue(at: begin + .seconds(20)) == [])
    looks.add(other, now: begin + .seconds(20))
    #expect(looks.earliest == begin + .seconds(21))
  }

  @Test("Of so many files and no more; their looks come together")
  func bounds() {
    var looks = RepeatedLooks(from: .seconds(1), to: .seconds(4))
    for number in 0...RepeatedLooks.filesMax { looks.add(BytePath("/w/\(number)"), now: begin + .milliseconds(number)) }
    #expect(looks.takeDue(at: begin + .seconds(2)).count == 1001)
    #expect(looks.earliest == begin + .seconds(3))
    #expect(looks.takeDue(at: begin + .seconds(20)).count == RepeatedLooks.filesMax - 1001)
  }
}
