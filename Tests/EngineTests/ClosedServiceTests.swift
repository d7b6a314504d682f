import Glibc
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Closed files in a service", .timeLimit(.minutes(1))) struct ClosedServiceTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld()
    world.set {
      $0.intake = .closed
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
  }

  private func file(_ name: String) -> BytePath { world.directory.path("in/\(name)") }

  /// The intake is asked to end as soon as a run is in this state.
  private func completeAt(_ state: RunState) async {
    await world.ledger.onCommit { [world] changes in
      for case .run(let run) in changes where run.state == state {
        _ = try? world.directory.write("", to: "in/.complete")
        world.events.push(.name(world.directory.path("in/.complete"), .complete))
      }
    }
  }

  private func runs(_ name: String) async throws -> Int {
    try await world.ledger.runs(matching: RunFilter(), limit: 100).count { $0.tree == world.tree(name) }
  }

  @Test("What lies there is found by a walk, what is closed is told, and each is sent once")
  func once() async throws {
    try world.directory.write(["in/x": "1", "in/y": "2"])
    world.events.push(
      .listed(watch: world.directory.path("in")), .name(file("y"), .found), .name(file("y"), .complete),
      .name(file("none"), .complete), .name(file("x"), .removed))
    await completeAt(.done)
    try await world.process(mode: .service)
    #expect(world.keys() == ["x", "y"])
    #expect(world.store().puts.count == 2)
    #expect(world.events.interest?.everythingIn == [world.directory.path("in")])
  }

  @Test("What was ready before the complete marker is taken in, though nothing told of it")
  func complete() async throws {
    try world.directory.write(["in/d/x": "1", "in/.complete": ""])
    world.events.push(.name(file(".complete"), .found))
    try await world.process(mode: .service)
    #expect(world.keys() == ["d/x"])
  }

  @Test("What a pre hook makes of the file is what is delivered, and starts nothing")
  func preHook() async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.always("/pre") { [world] _ in
      _ = try? world.directory.write("edited by the hook", to: "in/x")
      world.events.push(.name(world.directory.path("in/x"), .complete))
      return .success
    }
    try world.directory.write("1", to: "in/x")
    world.events.push(.name(file("x"), .complete))
    await completeAt(.uploading)
    try await world.process(mode: .service)
    #expect(try await runs("x") == 1)
    #expect(world.store().objects[ObjectKey("x")] == Array("edited by the hook".utf8))
    try await world.process()
    #expect(world.store().puts.count == 1)
  }

  @Test("Nor does it where the hook fails for good, or skips the tree", arguments: [1, 77] as [Int32])
  func preHookFails(code: Int32) async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    let count = Mutex(0)
    world.hooks.always("/pre") { [world] _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      _ = try? world.directory.write(String(repeating: "x", count: number), to: "in/x")
      world.events.push(.name(world.directory.path("in/x"), .complete))
      return .exited(code)
    }
    try world.directory.write("", to: "in/x")
    world.events.push(.name(file("x"), .complete))
    await completeAt(code == 77 ? .skipped : .failed)
    try await world.process(mode: .service)
    #expect(try await runs("x") == 1)
    #expect(count.withLock { $0 } == (code == 77 ? 1 : 3))
  }

  @Test("A write while the run is under way is one more run after it, and 'after' is left to that one")
  func writtenMeanwhile() async throws {
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.after = After(success: .delete)
    }
    world.hooks.enqueue { [world] _ in
      // Told twice, and before the intake is asked to end.
      _ = try? world.directory.write("second", to: "in/x")
      for hint in [NameHint.found, .complete] { world.events.push(.name(world.directory.path("in/x"), hint)) }
      _ = try? world.directory.write("", to: "in/.complete")
      world.events.push(.name(world.directory.path("in/.complete"), .complete))
      return .success
    }
    try world.directory.write("1", to: "in/x")
    world.events.push(.name(file("x"), .complete))
    try await world.process(mode: .service)
    #expect(try await runs("x") == 2)
    #expect(world.store().objects[ObjectKey("x")] == Array("second".utf8))
    #expect(try world.directory.list(BytePath("in")) == [BytePath(".complete")])
    #expect(world.log.messages(at: .notice).contains("\(file("x")) has changed since the upload: 'after' is left out"))
  }

  @Test("A file that is opened for writing again is not deleted under its writer", arguments: [true, false])
  func openedAgain(isTold: Bool) async throws {
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.after = After(success: .delete)
    }
    let writer = Mutex<Int32>(-1)
    world.hooks.enqueue { [world] _ in
      writer.withLock { writer in
        writer = world.directory.path("in/x").withCString { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
      }
      return .success
    }
    await world.ledger.onCommit { [world] changes in
      for case .run(let run) in changes where run.state == .done {
        let isFirst = writer.withLock { writer in
          defer { writer = -1 }
          guard writer >= 0 else { return false }
          _ = write(writer, "2", 1)
          close(writer)
          awaitNoWriter(world.directory.path("in/x"))
          return true
        }
        if !isFirst {
          _ = try? world.directory.write("", to: "in/.complete")
          world.events.push(.name(world.directory.path("in/.complete"), .complete))
        } else if isTold {
          world.events.push(.name(world.directory.path("in/x"), .complete))
        }
      }
    }
    try world.directory.write("1", to: "in/x")
    world.events.push(.name(file("x"), .complete))
    try await world.process(mode: .service)
    #expect(try await runs("x") == 2)
    #expect(world.store().objects[ObjectKey("x")] == Array("12".utf8))
    #expect(try world.directory.list(BytePath("in")) == [BytePath(".complete")])
    #expect(world.log.messages(at: .notice).contains("\(file("x")) is being written again: 'after' is left out"))
  }

  @Test("Where writers cannot be told, a file counts once it has stood still or an event says so; that is said once")
  func unknownWriters() async throws {
    for name in ["still", "told"] {
      try world.directory.write("1", to: "in/\(name)")
      world.files.answer(file: file(name)) { state throws(Failure) in
        state.map { FileState(fingerprint: $0.fingerprint, isOpenForWriting: nil, age: .zero) }
      }
    }
    try world.directory.write("", to: "in/.complete")
    world.events.push(
      .name(file("still"), .found), .name(file("told"), .complete), .name(file(".complete"), .found))
    try await world.process(mode: .service)
    #expect(world.keys() == ["still", "told"])
    #expect(world.log.messages(at: .notice).count { $0.contains("it cannot be told whether they are written") } == 1)
  }

  @Test("Under --once it is waited for that, and what goes on changing is left out")
  func unknownWritersOnce() async throws {
    for name in ["still", "busy"] { try world.directory.write("1", to: "in/\(name)") }
    let looks = Mutex<Int64>(0)
    for name in ["still", "busy"] {
      world.files.answer(file: file(name)) { state throws(Failure) in
        guard let file = state?.fingerprint else { return nil }
        let size = looks.withLock { looks in
          looks += 1
          return name == "busy" ? looks : 1
        }
        let fingerprint = Fingerprint(
          device: file.device, inode: file.inode, size: size, modified: file.modified, changed: file.changed)
        return FileState(fingerprint: fingerprint, isOpenForWriting: nil, age: .zero)
      }
    }
    try await world.process()
    #expect(world.keys() == ["still"])
    #expect(world.log.messages(at: .notice).contains("left out \(file("busy")): it is still being written"))
  }

  @Test("A file that cannot be looked at is told and not forgotten, and the others go on")
  func unreadable() async throws {
    try world.directory.write(["in/x": "1", "in/bad": "2", "in/.complete": ""])
    let path = file("bad")
    world.files.answer(file: path) { _ throws(Failure) in throw FaultyFiles.denied(path) }
    world.events.push(.name(path, .complete), .name(file(".complete"), .found))
    try await world.process(mode: .service)
    #expect(world.keys() == ["x"])
    #expect(world.log.messages(at: .error).contains(FaultyFiles.denied(path).message))
  }

  @Test("A full queue leaves events to a later walk")
  func room() {
    var backlog = Backlog([world.workflow.withLock { $0 }], leavesDeferred: false)
    let name = WorkflowName("w")
    for number in 0..<Backlog.readyMax {
      #expect(backlog.hasRoom(for: name))
      backlog.add(
        Run(id: RunID("\(number)"), tree: world.tree("\(number)"), marker: nil, created: Timestamp(seconds: 1)))
    }
    #expect(!backlog.hasRoom(for: name) && backlog.hasRoom(for: WorkflowName("other")))
    _ = backlog.takeNext()
    #expect(backlog.hasRoom(for: name))
    for number in 1..<Backlog.heldMax {
      backlog.resume(
        Run(id: RunID("w\(number)"), tree: world.tree("w\(number)"), marker: nil, created: Timestamp(seconds: 1)))
    }
    #expect(!backlog.hasRoom(for: name))
  }
}
