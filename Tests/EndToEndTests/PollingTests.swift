import Foundation
import TestSupport
import Testing

/// Small limits of inotify, in a user namespace of their own.
private enum Limited {
  static func wrapper(_ limit: String, _ value: Int) -> [String] {
    ["/usr/bin/unshare", "-Ur", "/bin/sh", "-c", "echo \(value) >/proc/sys/user/\(limit) && exec \"$@\"", "sh"]
  }

  static let isAvailable = succeeds(["/usr/bin/unshare", "-Ur", "true"])
}

@Suite("Where inotify gives too little", .needsBinary, .enabled(if: Limited.isAvailable))
struct PollingTests {
  @Test(
    "A service that may watch too few directories, or none, says so with the sysctl, and delivers all the same",
    arguments: [("max_inotify_instances", 0), ("max_inotify_watches", 0), ("max_inotify_watches", 2)])
  func limits(name: String, value: Int) async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]", settings: "poll: 1s")
      try world.makeTree("before/deep", ["x": "1"])
      let service = try world.start("run", wrapper: Limited.wrapper(name, value))
      let sysctl = name.replacing("max_inotify", with: "fs.inotify.max_user")
      #expect(await service.line(containing: "raise it with `sysctl \(sysctl)=") != nil, "\(service.transcript)")
      #expect(await service.line(containing: "directories polled: ") != nil, "\(service.transcript)")
      try world.makeTree("after/deep", ["y": "2"])
      let all: Set = ["before/deep/x", "after/deep/y"]
      #expect(await eventually { (try? Set(world.copies())) == all }, "\(service.transcript)")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
    }
  }
}
