import Glibc
import LocalFiles
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("What the intake meets", .timeLimit(.minutes(1))) struct IntakeFaultTests {
  /// A service with a tree `t` that ends when all is done.
  private func service() throws -> (world: EngineWorld, watch: BytePath) {
    let world = try EngineWorld()
    world.set { $0.stop = .markers(complete: BytePath(".complete"), abort: BytePath(".abort")) }
    try world.makeReady("t", ["x": "1"])
    try world.directory.write("", to: "in/.complete")
    return (world, world.directory.path("in"))
  }

  @Test("A started file that cannot be written is told, and the service goes on")
  func started() async throws {
    let (world, watch) = try service()
    world.set { $0.started = world.directory.path("in/t/x/started") }
    world.events.push(.listed(watch: watch), .name(watch.appending(".complete"), .found))
    let summary = try await world.process(mode: .service)
    #expect(summary.fatal == nil)
    #expect(world.keys() == ["t/x"])
    #expect(
      world.log.messages(at: .error) == [
        "cannot write \(watch.appending("t/x/started")): Not a directory"
      ])
  }

  @Test("A marker that cannot be looked at any more is not forgotten, and stops nobody")
  func unreadableMarker() async throws {
    let (world, watch) = try service()
    let path = watch.appending("other/.ready")
    world.files.answer(marker: path) { () throws(Failure) in throw FaultyFiles.denied(path) }
    let answered = MarkerIdentity(inode: 1, modified: 1)
    try await world.ledger.commit([.answered(world.tree("other"), answered)])
    world.events.push(.listed(watch: watch), .name(watch.appending(".complete"), .found))
    let summary = try await world.process(mode: .service)
    #expect(summary.fatal == nil)
    #expect(world.keys() == ["t/x"])
    #expect(try await world.ledger.answeredMarker(of: world.tree("other")) == answered)
    #expect(world.log.messages(at: .error) == [FaultyFiles.denied(path).message])
  }

  @Test("A stop marker that cannot be looked at is told and stops nobody")
  func unreadableStopMarker() async throws {
    let (world, watch) = try service()
    let path = watch.appending(".abort")
    world.files.answer(marker: path) { () throws(Failure) in throw FaultyFiles.denied(path) }
    world.events.push(.name(path, .found), .name(watch.appending(".complete"), .found))
    let summary = try await world.process(mode: .service)
    #expect(summary.fatal == nil)
    #expect(world.keys() == ["t/x"])
  }

  @Test("Under --once a directory that cannot be listed fails the process, and the other ones are done")
  func unlistedDirectory() async throws {
    let world = try EngineWorld()
    let gone = world.directory.path("gone")
    world.set { $0.watch.insert(WatchDirectory(path: gone, location: EngineWorld.location), at: 0) }
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(world.keys() == ["t/x"])
    #expect(summary.fatal == nil && summary.unseen == 1)
    #expect(world.log.messages(at: .error) == ["cannot read directory \(gone): No such file or directory"])
  }

  @Test("Under --once a directory below that cannot be listed fails the process, too")
  func unlistedBelow() async throws {
    let world = try EngineWorld()
    let closed = world.directory.path("in/closed")
    world.files.leaveOut(FaultyFiles.denied(closed))
    try world.makeReady("t", ["x": "1"])
    let summary = try await world.process()
    #expect(world.keys() == ["t/x"])
    #expect(summary.unseen == 1)
  }

  @Test("What was ready before the complete marker is waited for, where writers cannot be told")
  func completeBehindFresh() async throws {
    let (world, watch) = try service()
    let path = watch.appending("t/.ready")
    let identity = try #require(try LocalTreeFiles().marker(at: path)).identity
    let looks = Mutex(0)
    world.files.answer(marker: path) { () throws(Failure) in
      let isFirst = looks.withLock { looks in
        looks += 1
        return looks <= 2
      }
      return MarkerState(identity: identity, isOpenForWriting: nil, age: isFirst ? .milliseconds(300) : .seconds(2))
    }
    world.events.push(.name(path, .found), .name(watch.appending(".complete"), .found), .listed(watch: watch))
    let summary = try await world.process(mode: .service)
    #expect(world.keys() == ["t/x"])
    #expect(summary.unfinished == 0)
  }

  @Test("What cannot be looked at for the moment is looked at again, without another event", arguments: [true, false])
  func missed(isMarked: Bool) async throws {
    let (world, watch) = try service()
    if !isMarked {
      world.set {
        $0.intake = .closed
        $0.filter = [FilterRule(pattern: "^x$", location: EngineWorld.location)]
      }
      try world.directory.write("1", to: "in/x")
    }
    let path = watch.appending(isMarked ? "t/.ready" : "x")
    let failures = Mutex(3)
    let fail = { @Sendable () throws(Failure) in
      let isFailing = failures.withLock { left in
        left -= 1
        return left >= 0
      }
      if isFailing { throw Failure(.transient(retryAfter: nil), "read", "x", code: "EIO", cause: "no") }
    }
    let state = try LocalTreeFiles().marker(at: path)
    world.files.answer(marker: path) { () throws(Failure) in
      try fail()
      return state
    }
    world.files.answer(file: path) { state throws(Failure) in
      try fail()
      return state
    }
    world.events.push(.name(path, .complete))
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state == .done {
        world.events.push(.name(watch.appending(".complete"), .found))
      }
    }
    try await world.process(mode: .service)
    #expect(world.keys() == [isMarked ? "t/x" : "x"])
  }

  @Test("A marker from the future is believed when it has stood still")
  func future() async throws {
    let (world, watch) = try service()
    let path = watch.appending("t/.ready")
    let identity = try #require(try LocalTreeFiles().marker(at: path)).identity
    world.files.answer(marker: path) { () throws(Failure) in
      MarkerState(identity: identity, isOpenForWriting: nil, age: .zero)
    }
    world.events.push(.name(path, .found))
    await world.ledger.onCommit { changes in
      for case .run(let run) in changes where run.state == .done {
        world.events.push(.name(watch.appending(".complete"), .found))
      }
    }
    try await world.process(mode: .service)
    #expect(world.keys() == ["t/x"])
  }

  @Test("Two workflows whose complete markers are each other's tree markers both end")
  func crossedMarkers() async throws {
    let world = try EngineWorld()
    let (ready, done) = (BytePath(".ready"), BytePath(".done"))
    world.set { $0.stop = .markers(complete: done, abort: nil) }
    var other = world.workflow.withLock { $0 }
    (other.name, other.intake, other.stop) = (WorkflowName("o"), .marker(done), .markers(complete: ready, abort: nil))
    other.targetPrefix = Template([.literal(Array("o/".utf8))])
    world.others.withLock { [other] in $0 = [other] }
    try world.directory.write(["in/x": "1", "in/.ready": "", "in/.done": ""])
    let watch = world.directory.path("in")
    world.events.push(
      .name(watch.appending(ready), .found), .name(watch.appending(done), .found), .listed(watch: watch))
    #expect(try await world.process(mode: .service).fatal == nil)
    #expect(world.keys().contains("x") && world.keys().contains("o/x"))
  }
}
