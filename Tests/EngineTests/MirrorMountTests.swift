import Glibc
import LocalFiles
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite(
  "A mirror with another file system in it", .timeLimit(.minutes(1)),
  .enabled(if: SmallFileSystem.isAvailable, "mounting needs root"))
final class MirrorMountTests {
  private let world: EngineWorld

  init() throws {
    world = try EngineWorld(now: SystemClock().now())
    world.makeMirror()
    world.store().tellETags()
    try world.directory.makeDirectory(BytePath("in/media"))
    try mountAnew()
  }

  deinit { unmount() }

  private var mountPoint: String { world.directory.path("in/media").description }

  private func mountAnew() throws { try #require(mount("tmpfs", mountPoint, "tmpfs", 0, "size=64k") == 0) }

  private func unmount() { umount2(mountPoint, Int32(MNT_DETACH)) }

  private func fill() async throws {
    try world.write(["a": "1", "b": "2", "media/d/y": "3", "media/x": "4", "media.txt": "5"])
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == Self.all)
  }

  private static let all = ["a", "b", "media.txt", "media/d/y", "media/x"]

  private var message: String {
    "cannot mirror \(world.directory.path("in")): nothing is mounted on \(mountPoint) any more, and files are gone with "
      + "it: nothing is deleted; mount it again, or say that this is right: slipway push w"
  }

  @Test("deletes nothing once that is gone, its directory too, and says what to do; a push accepts it")
  func gone() async throws {
    try await fill()
    unmount()
    for _ in 0..<2 {
      let run = try await world.mirror()
      #expect(run?.state == .failed && run?.error == message)
      world.remove("b")
      world.remove("media")
    }
    #expect(world.keys() == Self.all)
    let summary = try await world.process(mode: .push([world.tree(".")]))
    #expect(summary.failed.isEmpty)
    #expect(world.keys() == ["a", "media.txt"])
    #expect(try await world.ledger.mirrorMounts(of: world.tree(".")) == [])
  }

  @Test("is compared as ever once it is mounted again")
  func mountedAgain() async throws {
    try await fill()
    unmount()
    #expect(try await world.mirror()?.state == .failed)
    try mountAnew()
    try world.write(["media/x": "new"])
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == ["a", "b", "media.txt", "media/x"])
  }

  @Test("goes on without it where its files lie there all the same")
  func lacksNothing() async throws {
    try await fill()
    unmount()
    try world.write(["media/d/y": "3", "media/x": "4"])
    #expect(try await world.mirror()?.state == .done)
    world.remove("media/x")
    #expect(try await world.mirror()?.state == .done)
    #expect(world.keys() == ["a", "b", "media.txt", "media/d/y"])
  }

  @Test("has a run that writes it down where it is not known yet, and else all is equal")
  func unknown() async throws {
    try await fill()
    let (tree, media) = (world.tree("."), BytePath("media"))
    #expect(try await world.ledger.mirrorMounts(of: tree) == [media])
    try await world.ledger.commit([.mirrorMountsGone(tree, [media])])
    let first = try await world.latest(".")
    let second = try await world.mirror()
    #expect(second?.id != first?.id && second?.state == .done)
    #expect(try await world.ledger.mirrorMounts(of: tree) == [media])
    #expect(try await world.mirror() == second)
  }

  @Test("is told of by a dry run")
  func dryRun() async throws {
    try await fill()
    unmount()
    #expect(try await world.problemsOfDryRun() == [message])
  }
}
