import Glibc
import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Files of a queue", .timeLimit(.minutes(1))) struct QueueIntakeTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld()
    world.makeQueue()
  }

  private func runs(_ name: String) async throws -> [Run] {
    try await world.ledger.runs(matching: RunFilter(), limit: 1000).filter { $0.tree == world.tree(name) }
  }

  @Test("Each file is claimed, sent under its name in the queue, and moved to 'completed'")
  func once() async throws {
    try world.directory.write(["in/x": "1", "in/y": "2"])
    let summary = try await world.process()
    #expect(summary.failed.isEmpty && summary.unfinished == 0)
    #expect(world.keys() == ["x", "y"])
    #expect(world.names("in").isEmpty && world.names("working").isEmpty)
    #expect(world.names("completed") == ["x", "y"])
    #expect(try await world.latest("x")?.state == .done)
  }

  @Test("What has arrived is deleted where the file says so")
  func deleted() async throws {
    world.makeQueue(completed: .delete)
    try world.directory.write(["in/x": "1"])
    try await world.process()
    #expect(world.names("in").isEmpty && world.names("working").isEmpty && world.names("completed").isEmpty)
    #expect(world.keys() == ["x"])
  }

  @Test("What has used up its attempts is moved, or deleted", arguments: [true, false])
  func failed(moves: Bool) async throws {
    world.makeQueue(failed: moves ? .move(world.directory.path("failed")) : .delete)
    world.failAlways("x")
    try world.directory.write(["in/x": "1", "in/y": "2"])
    let summary = try await world.process()
    #expect(summary.failed == [world.tree("x")])
    #expect(world.names("working").isEmpty && world.names("in").isEmpty)
    #expect(world.names("failed") == (moves ? ["x"] : []))
    #expect(world.names("completed") == ["y"])
  }

  @Test("Directories, links and what the filter leaves out stay where they are, and are told once")
  func leftAlone() async throws {
    world.set {
      $0.filter = [FilterRule(pattern: #"\.csv$"#, location: EngineWorld.location)]
      $0.stop = .markers(complete: BytePath(".complete"), abort: nil)
    }
    try world.directory.write(["in/a.csv": "1", "in/d/b.csv": "2", "in/c.log": "3", "in/.complete": ""])
    symlink("a.csv", world.directory.path("in/l.csv").description)
    mkfifo(world.directory.path("in/p.csv").description, 0o644)
    let watch = world.directory.path("in")
    world.events.push(
      .listed(watch: watch), .name(watch.appending("c.log"), .complete), .name(watch.appending("d/b.csv"), .complete),
      .listed(watch: watch), .name(watch.appending(".complete"), .found))
    try await world.process(mode: .service)
    #expect(world.keys() == ["a.csv"])
    #expect(world.names("in") == [".complete", "c.log", "d", "l.csv", "p.csv"])
    let told = world.log.messages(at: .notice).filter { $0.contains("\(watch)/") }
    #expect(
      told.sorted() == [
        "\(watch)/c.log is left out: no pattern of filter matches",
        "\(watch)/d is left alone: it is a directory, and a queue has files",
        "\(watch)/l.csv is left alone: it is not a regular file",
        "\(watch)/p.csv is left alone: it is not a regular file",
      ])
  }

  @Test("A file that an ended process has left where it is worked on is taken up; one that another holds is not")
  func stranded() async throws {
    try world.directory.write(["working/x": "1", "working/held": "2"])
    let holder = world.lock("working/held")
    try await world.process()
    #expect(world.keys() == ["x"])
    #expect(world.names("working") == ["held"] && world.names("completed") == ["x"])
    close(holder)
    try await world.process()
    #expect(world.keys() == ["held", "x"])
    #expect(world.names("working").isEmpty)
  }

  @Test("A name that is being worked on, or taken in 'completed', is never overwritten")
  func sameName() async throws {
    try world.directory.write(["in/x": "new", "working/x": "old", "completed/x": "oldest"])
    let holder = world.lock("working/x")
    try await world.process()
    #expect(world.keys().isEmpty && world.read("in/x") == "new" && world.read("working/x") == "old")
    close(holder)
    try await world.process()
    try await world.process()
    #expect(world.names("completed") == ["x", "x-1", "x-2"])
    #expect(["x", "x-1", "x-2"].map { world.read("completed/\($0)") } == ["oldest", "old", "new"])
    #expect(world.store().objects[ObjectKey("x")] == Array("new".utf8) && world.store().puts.count == 2)
    let completed = world.directory.path("completed")
    #expect(
      world.log.messages(at: .notice).contains("moved to \(completed)/x-1: a file of its name lies there already"))
  }

  @Test("Under --once what is written is left out, and what has its name taken for good is a failure: both are told")
  func leftOut() async throws {
    try world.directory.write(["in/open": "1", "in/taken": "2", "working/taken/x": "3", "working/held": "4"])
    let paths = ["in/open", "working/held"].map { world.directory.path($0) }
    let writers = paths.map { $0.withCString { open($0, O_WRONLY | O_CLOEXEC) } }
    let summary = try await world.process()
    for writer in writers { close(writer) }
    #expect(summary.unseen == 1 && world.keys().isEmpty && world.names("in") == ["open", "taken"])
    let notices = world.log.messages(at: .notice)
    for path in paths { #expect(notices.count { $0 == "left out \(path): it is still being written" } == 1) }
    let taken = world.directory.path("working/taken")
    #expect(
      world.log.messages(at: .error) == [
        """
        cannot claim \(world.directory.path("in/taken")): \(taken) has its name, and is no regular file; \
        move that away
        """
      ])
  }

  @Test("In a service a new file of a name waits for the one that is being worked on, and is taken after it")
  func sameNameLater() async throws {
    world.set { $0.stop = .count(2) }
    world.set { $0.hooks = Hooks(post: [.named("/post")]) }
    world.hooks.enqueue { [world] _ in
      _ = try? world.directory.write("second", to: "in/x")
      world.events.push(.name(world.directory.path("in/x"), .complete))
      return .success
    }
    try world.directory.write("first", to: "in/x")
    world.events.push(.listed(watch: world.directory.path("in")))
    try await world.process(mode: .service)
    #expect(world.store().objects[ObjectKey("x")] == Array("second".utf8) && world.store().puts.count == 2)
    #expect(["x", "x-1"].map { world.read("completed/\($0)") } == ["first", "second"])
    #expect(try await runs("x").map(\.state) == [.done, .done])
  }

  @Test("A file that is being written is not claimed, and not taken up")
  func written() async throws {
    try world.directory.write(["in/x": "1", "working/y": "2", "in/z": "3"])
    let writers = ["in/x", "working/y"].map { name in
      world.directory.path(name).withCString { open($0, O_WRONLY | O_APPEND | O_CLOEXEC) }
    }
    try await world.process()
    #expect(world.keys() == ["z"])
    #expect(world.names("in") == ["x"] && world.names("working") == ["y"])
    for writer in writers { close(writer) }
    for name in ["in/x", "working/y"] { awaitNoWriter(world.directory.path(name)) }
    try await world.process()
    #expect(world.keys() == ["x", "y", "z"])
  }

  @Test("Hooks run where the file is worked on, and are told of it there")
  func hooks() async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")], post: [.named("/post")]) }
    try world.directory.write("1", to: "in/x")
    try await world.process()
    for hook in world.hooks.invocations {
      #expect(hook.directory == world.directory.path("working"))
      #expect(hook.value("SLIPWAY_TREE") == "\(world.directory.path("working/x"))")
      #expect(hook.value("SLIPWAY_TREE_NAME") == "x")
    }
    #expect(world.hooks.invocations.count == 2)
  }

  @Test("A file that a pre hook skips goes to 'completed', and is not taken again")
  func skipped() async throws {
    world.set { $0.hooks = Hooks(pre: [.named("/pre")]) }
    world.hooks.enqueue(.exited(77))
    try world.directory.write("1", to: "in/x")
    try await world.process()
    #expect(world.keys().isEmpty && world.names("completed") == ["x"] && world.names("working").isEmpty)
  }

  @Test("A file that has changed since it was sent is sent once more before it is disposed of")
  func changed() async throws {
    world.set {
      $0.hooks = Hooks(post: [.named("/post")])
      $0.stop = .count(2)
    }
    world.hooks.enqueue { [world] _ in
      _ = try? world.directory.write("longer", to: "working/x")
      return .success
    }
    try world.directory.write("1", to: "in/x")
    world.events.push(.listed(watch: world.directory.path("in")))
    try await world.process(mode: .service)
    #expect(world.store().objects[ObjectKey("x")] == Array("longer".utf8))
    #expect(world.names("completed") == ["x"] && world.read("completed/x") == "longer")
  }

  @Test("Of many files each goes its way: what fails is tried again by itself, and the others are done")
  func many() async throws {
    for number in 0..<600 { try world.directory.write("\(number)", to: "in/\(number)") }
    try world.directory.write("large", to: "in/large")
    world.store().fail(
      ObjectKey("7"), with: Failure(.transient(retryAfter: nil), "upload", "7", cause: "503"), times: 2)
    world.failAlways("8")
    let summary = try await world.process()
    #expect(summary.failed == [world.tree("8")])
    #expect(world.names("completed").count == 600 && world.names("failed") == ["8"])
    #expect(world.names("in").isEmpty && world.names("working").isEmpty)
    #expect(try await world.latest("7")?.attempt == 3)
    #expect(try await world.latest("8")?.attempt == 3)
    #expect(world.store().puts.count == 601 + 2 + 2)
    #expect(try await world.ledger.unfinishedRuns().isEmpty)
  }

  @Test("Keys that belong to another path are refused, in a batch as alone")
  func stems() async throws {
    try await world.ledger.commit([.stem(ObjectKey("x"), at: DestinationName("a"), from: BytePath("/other/x"))])
    try world.directory.write(["in/x": "1", "in/y": "2"])
    let summary = try await world.process()
    #expect(summary.failed == [world.tree("x")])
    #expect(world.keys() == ["y"] && world.names("failed") == ["x"])
  }

  @Test("A count claims no more than it lets begin")
  func count() async throws {
    world.set { $0.stop = .count(3) }
    for number in 0..<10 { try world.directory.write("1", to: "in/\(number)") }
    try await world.process()
    #expect(world.keys().count == 3)
    #expect(world.names("in").count == 7 && world.names("working").isEmpty)
  }
}
