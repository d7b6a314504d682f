import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

/// Fault 16: somebody puts links in the place of files and directories while they are read.
@Suite("Links that are swapped in", .needsBinary)
struct RacingLinkTests {
  @Test("fault 16: whenever a link takes a file's or a directory's place, nothing from outside is read or removed")
  func inTheTree() async throws {
    try await World.with(.none) { world in
      try world.configure("after: { success: delete }\nretry: { attempts: 3, backoff: 1ms..2ms }", to: "[copy]")
      let names = (0..<100).map { "f\($0)" }
      for name in names + ["x", ".ready"] { try world.scratch.write("SECRET", to: "outside/\(name)") }
      for round in 0..<12 {
        let tree = "t\(round)"
        for name in names { try world.scratch.write("own", to: "in/\(tree)/d/\(name)") }
        for name in ["x", "y"] { try world.scratch.write("own", to: "in/\(tree)/\(name)") }
        try world.scratch.write("", to: "in/\(tree)/.ready")
        let racer = Racer([
          (world.scratch("in/\(tree)/d"), world.scratch("outside")),
          (world.scratch("in/\(tree)/x"), world.scratch("outside/x")),
          (world.scratch("in/\(tree)"), world.scratch("outside")),
        ])
        let program = try world.start("run", "--once", "-q")
        let ending = await program.end()
        #expect(ending == .exited(0) || ending == .exited(1), "\(program.transcript)")
        #expect(racer.stop() > 0, "it never swapped")
      }
      for file in try world.scratch.files(below: "outbox") {
        let content = world.scratch.read(bytes: Array("outbox/".utf8) + file) ?? []
        #expect(content == Array("own".utf8), "\(String(decoding: file, as: UTF8.self))")
      }
      #expect(world.scratch.children("outside").count == names.count + 2, "something outside was removed")
      // Nobody swaps any more: what is left is delivered, also what had been away when its tree was disposed of.
      for tree in world.scratch.children("in") { try world.scratch.write("", to: "in/\(tree)/.ready") }
      try await world.run("run", "--once", "-q")
      #expect(world.scratch.children("in") == [])
      let copies = try world.copies().map { $0.split(separator: "/").map(String.init) }
      for round in 0..<12 {
        // A tree or directory that was aside when it was looked at was one of that name.
        let own = copies.filter { $0[0] == "t\(round)" || $0[0] == "t\(round).aside" }.compactMap(\.last)
        #expect(Set(own).isSuperset(of: names + ["y"]), "t\(round)")
      }
    }
  }

  @Test("fault 16: nothing is written outside a directory destination, whoever puts links into it")
  func inTheDestination() async throws {
    try await World.with(.none) { world in
      try world.configure("retry: { attempts: 3, backoff: 1ms..2ms }", to: "[copy]")
      try world.scratch.makeDirectory("outside")
      for round in 0..<8 {
        let tree = "t\(round)"
        try world.scratch.makeDirectory("outbox/\(tree)/d")
        for number in 0..<100 { try world.scratch.write("own", to: "in/\(tree)/d/f\(number)") }
        try world.scratch.write("", to: "in/\(tree)/.ready")
        let racer = Racer([
          (world.scratch("outbox/\(tree)/d"), world.scratch("outside")),
          (world.scratch("outbox/\(tree)"), world.scratch("outside")),
        ])
        let program = try world.start("run", "--once", "-q")
        let ending = await program.end()
        #expect(ending == .exited(0) || ending == .exited(1), "\(program.transcript)")
        #expect(racer.stop() > 0, "it never swapped")
      }
      #expect(try world.scratch.files(below: "outside") == [])
    }
  }
}

/// A thread that puts a link in the place of a file or directory and takes it away again, over and over.
private final class Racer: Sendable {
  private let state = Guarded<(isStopping: Bool, swaps: Int)>((false, 0))
  private let ended = DispatchSemaphore(value: 0)

  /// Each path with what the link in its place leads to.
  init(_ places: [(path: String, target: String)]) {
    Thread.detachNewThread { [self] in
      while !state.value.isStopping {
        for place in places { if Self.swap(place.path, place.target) { state.change { $0.swaps += 1 } } }
      }
      ended.signal()
    }
  }

  /// How often a link was in place. Everything is as it was then, where it still exists.
  func stop() -> Int {
    state.change { $0.isStopping = true }
    ended.wait()
    return state.value.swaps
  }

  private static func swap(_ path: String, _ target: String) -> Bool {
    let aside = path + ".aside"
    guard rename(path, aside) == 0 else { return false }
    let isLinked = symlink(target, path) == 0
    usleep(200)
    if isLinked { unlink(path) }
    // Where the program has made the directory anew meanwhile, both stay.
    if rename(aside, path) != 0 { rmdir(path) }
    return isLinked
  }
}
