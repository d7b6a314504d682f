import CLibc
import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import ObjectStores

@Suite("A plugin that misbehaves", .enabled(if: PluginBench.hasPython, "there is no Python"))
struct PluginFaultTests {
  @Test(
    "what breaks the protocol is ended; what was asked is a transient failure, and goes well with the next process",
    arguments: [
      ("garbage", "the plugin wrote a line to stdout that is no answer: 'Starting up, please wait…\\x1b[2J'"),
      ("no-object", "the plugin wrote a line to stdout that is no answer: '[1]'"),
      ("unknown-id", "the plugin answered a request that was never made"),
      ("long-line", "the plugin wrote a line of more than 4194304 bytes"),
      ("closes", "the plugin closed its output"),
      ("dies", "the plugin was ended by signal 9"),
      ("exits", "the plugin ended with exit code 3"),
    ])
  func breaches(_ fault: String, _ cause: String) async throws {
    let bench = try PluginBench.faulty(fault)
    let failure = try await #require(throws: Failure.self) { try await bench.put("content", at: "a") }
    #expect(failure.cause == cause)
    #expect(failure.kind == .transient(retryAfter: nil))
    #expect(try await bench.put("content", at: "a").checksum != nil)
    #expect(bench.object("a") == "content")
    #expect(bench.pids.count == 2)
    #expect(bench.leftOvers() == [])
    #expect(bench.log.lines.contains { $0.hasPrefix("warning: the plugin of p ") })
  }

  @Test("what it writes to stderr stands in the log, escaped, also when it ends right then")
  func stderr() async throws {
    let bench = try PluginBench.faulty("exits")
    await #expect(throws: Failure.self) { try await bench.put("content", at: "a") }
    bench.store.close()
    #expect(bench.log.lines.contains("info: plugin: I have lost \\x1b[31mheart"))
  }

  @Test("a flood of answers that nobody waits for ends it, and not the memory")
  func flood() async throws {
    let bench = try PluginBench.faulty("flood")
    let failure = try await #require(throws: Failure.self) { try await bench.put("content", at: "a") }
    #expect(failure.cause == "the plugin gives no reason")
    // The second request may meet the flood or its end.
    while bench.pids.count < 2 { _ = try? await bench.put("content", at: "a") }
    #expect(try await bench.put("content", at: "a").checksum != nil)
    #expect(bench.log.lines.contains { $0.contains("goes on answering what nobody has asked") })
    #expect(bench.leftOvers() == [])
  }

  @Test("a request that is not answered in time fails; after several the process is ended and started anew")
  func hangs() async throws {
    let bench = try PluginBench.faulty("hangs", timeout: .milliseconds(300))
    for key in ["a", "b", "c"] {
      let failure = try await #require(throws: Failure.self) { try await bench.put("content", at: key) }
      #expect(failure.code == "PluginTimeout")
      #expect(failure.kind == .transient(retryAfter: nil))
    }
    let patient = try PluginBench.faulty("none")
    #expect(try await patient.put("content", at: "a").checksum != nil)
    patient.store.close()
    // A start of Python may take longer than the limit of this test.
    while (try? await bench.put("content", at: "d")) == nil {}
    #expect(bench.object("d") == "content")
    #expect(bench.log.lines.contains { $0.contains("has not answered 3 requests in time; it is ended") })
    #expect(bench.leftOvers() == [])
  }

  @Test("a key whose earlier put was never answered is not given to the same process again")
  func sameKey() async throws {
    let bench = try PluginBench.faulty("hangs", timeout: .milliseconds(300))
    await #expect(throws: Failure.self) { try await bench.put("old", at: "a") }
    while (try? await bench.put("new", at: "a")) == nil {}
    #expect(bench.object("a") == "new")
    #expect(bench.log.lines.contains { $0.contains("has not answered an earlier request for a; it is ended") })
    #expect(bench.leftOvers() == [])
  }

  @Test("one that ignores TERM is killed with its group and what has left that, and nothing remains")
  func stubborn() async throws {
    // As the service is: an orphan is then ours to reap.
    try #require(slipway_become_subreaper() == 0)
    let bench = try PluginBench.faulty("stubborn")
    await #expect(throws: Failure.self) { try await bench.put("content", at: "a") }
    #expect(bench.pids.count == 3)
    #expect(bench.leftOvers() == [])
  }

  @Test("what it says of its failures is what the engine is told")
  func told() async throws {
    let blocked = try PluginBench.faulty("blocked")
    let first = try await #require(throws: Failure.self) { try await blocked.put("content", at: "a") }
    #expect(first.message == "cannot upload a at the plugin of p: the quota is used up\\n")
    #expect(first.kind == .blocked)
    let later = try PluginBench.faulty("later")
    let second = try await #require(throws: Failure.self) { try await later.put("content", at: "a") }
    #expect(second.kind == .transient(retryAfter: .seconds(7)))
    for bench in [blocked, later] { #expect(bench.leftOvers() == []) }
  }

  @Test("a lie about what it holds is no proof, and neither is silence where proof was promised")
  func lies() async throws {
    let liar = try PluginBench.faulty("lies", always: true)
    let first = try await #require(throws: Failure.self) { try await liar.put("content", at: "a") }
    #expect(first.cause == "the plugin holds other bytes than it was given: their sha256 is another one")
    #expect(first.kind == .transient(retryAfter: nil))
    let silent = try PluginBench.faulty("silent-proof")
    let second = try await #require(throws: Failure.self) { try await silent.put("content", at: "a") }
    #expect(second.cause == "the plugin answered without the sha256 that 'proves: true' promises")
    #expect(second.kind == .permanent)
    for bench in [liar, silent] { #expect(bench.leftOvers() == []) }
  }

  @Test(
    "one that cannot be used is refused until somebody acts",
    arguments: [
      ("version", "it speaks version 2 of the protocol, and this Slipway version 1"),
      ("unproven", "it does not prove what it stores, and the file says that it does"),
    ])
  func refused(_ fault: String, _ cause: String) async throws {
    let bench = try PluginBench.faulty(fault)
    let failure = try await #require(throws: Failure.self) { try await bench.put("content", at: "a") }
    #expect(failure.cause == cause)
    #expect(failure.kind == .blocked)
    #expect(try await bench.put("content", at: "a").checksum != nil)
    #expect(bench.leftOvers() == [])
  }

  @Test("one that dies at each start is not there, and is started again only after a rest")
  func absent() async throws {
    let bench = try PluginBench.faulty("hello-dies", always: true)
    let failure = try await #require(throws: Failure.self) { try await bench.put("content", at: "a") }
    #expect(
      failure.message
        == "cannot use the plugin of p: it ended with exit code 5; what it writes to stderr stands in the log")
    #expect(failure.isUnreachable)
    #expect(bench.pids.count == 3)
    #expect(bench.leftOvers() == [])
  }

  @Test("one that is not there, or is no program, blocks the destination")
  func notStarted() async throws {
    let gone = try PluginBench("/nowhere/plugin")
    let first = try await #require(throws: Failure.self) { try await gone.put("content", at: "a") }
    #expect(first.message == "cannot start the plugin of p: No such file or directory")
    #expect(first.kind == .blocked)
    let text = try gone.directory.write("no program", to: "text")
    #expect(chmod(text.description, 0o755) == 0)
    let plain = try PluginBench(text.description)
    let second = try await #require(throws: Failure.self) { try await plain.put("content", at: "a") }
    #expect(second.message == "cannot start the plugin of p: Exec format error; begin the script with a #! line")
    for bench in [gone, plain] { bench.store.close() }
  }

  @Test("a put whose task is cancelled ends at once, and one that is asked after the end, too")
  func cancelled() async throws {
    let bench = try PluginBench.faulty("hangs")
    let task = Task { try await bench.put("content", at: "a") }
    while bench.pids.isEmpty { await Task.yield() }
    task.cancel()
    let failure = try await #require(throws: Failure.self) { try await task.value }
    #expect(failure.code == "Cancelled")
    #expect(bench.leftOvers() == [])
    let late = try await #require(throws: Failure.self) { try await bench.put("content", at: "a") }
    #expect(late.code == "Cancelled")
  }

  @Test("no descriptor is left of a plugin that was ended")
  func descriptors() async throws {
    let bench = try PluginBench.faulty("dies")
    let links = try bench.directory.makeDirectory(BytePath("x"))
    await #expect(throws: Failure.self) { try await bench.put("content", at: "a") }
    try await bench.put("content", at: "b")
    bench.store.close()
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
      // What another test has closed meanwhile.
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
    }
    #expect(open.filter { $0.hasPrefix(links.parent.description) } == [])
  }
}

@Suite("What a plugin lists", .enabled(if: PluginBench.hasPython, "there is no Python"))
struct PluginListingTests {
  private func keys(_ fault: String) async throws -> [String] {
    let bench = try PluginBench.faulty(fault)
    defer { bench.store.close() }
    var walk = bench.store.list(under: ObjectKey("p/"))
    var keys: [String] = []
    while let object = try await walk.next() { keys.append(object.key.description) }
    return keys
  }

  @Test("is sorted where it is not")
  func unsorted() async throws {
    #expect(try await keys("unsorted") == ["p/a", "p/b", "p/c"])
  }

  @Test(
    "is refused where it cannot be true",
    arguments: [
      ("disorder", "it is out of order at 'p/a'"), ("stranger", "'z' does not lie there"),
      ("twice", "it is out of order at 'p/a'"), ("endless", "there are 100 empty pages in a row"),
    ])
  func wrong(_ fault: String, _ cause: String) async throws {
    let failure = try await #require(throws: Failure.self) { try await keys(fault) }
    #expect(failure.cause == cause)
    #expect(failure.kind == .permanent)
  }
}
