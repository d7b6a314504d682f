import Foundation
import TestSupport
import Testing

@Suite("Bursts", .needsBinary)
struct BurstTests {
  @Test(
    "mkdir -p, a file and a marker at once, hundreds of times and from several sides: each is delivered, none twice")
  func everyTreeOnce() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      try world.scratch.makeDirectory("aside")
      let service = try await world.startService()
      let loops = [
        "mkdir -p in/$n/b/c; echo $n >in/$n/b/c/f; : >in/$n/b/c/.ready",
        // Whole trees moved in, and markers that come by rename.
        "mkdir -p aside/$n/b/c; echo $n >aside/$n/b/c/f; : >aside/$n/b/c/.ready; mv aside/$n in/$n",
        "mkdir -p in/x/y/$n/b/c; echo $n >in/x/y/$n/b/c/f; : >aside/r$n; mv aside/r$n in/x/y/$n/b/c/.ready",
      ]
      let writers = try loops.enumerated().map { number, step in
        try world.startProgram(["/bin/bash", "-c", "for n in \(number){001..150}; do \(step); done"])
      }
      let direct = (0..<150).map { "direct/\($0)/b/c" }
      for name in direct { try world.makeTree(name, ["f": name]) }
      for writer in writers { try await writer.expectEnd(.exited(0)) }
      let all = direct.count + 3 * 150
      #expect(await eventually { (try? world.copies().count) == all }, "\(service.lines().suffix(20))")
      service.signal(SIGTERM)
      try await service.expectEnd(.exited(0))
      let runs = try await world.run("runs", "-n", "10000", "--json").objects()
      #expect(runs.allSatisfy { $0["state"] as? String == "done" })
      #expect(runs.count == all && Set(runs.compactMap { $0["tree"] as? String }).count == all)
    }
  }
}
