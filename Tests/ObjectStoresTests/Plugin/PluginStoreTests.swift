import Foundation
import Glibc
import SlipwayModel
import TestSupport
import Testing

@testable import ObjectStores

@Suite("A program as a destination", .enabled(if: PluginBench.hasPython, "there is no Python"))
struct PluginStoreTests {
  @Test("the example in Python keeps the contract of a store", arguments: storeConformance)
  func python(_ check: Conformance<StoreUnderTest>) async throws {
    let bench = try PluginBench("directory", ["$D/out"])
    defer { bench.store.close() }
    let directory = bench.directory
    try await check.run(
      StoreUnderTest(bench.store) { key in
        let name = BytePath("out").appending(BytePath(key.bytes))
        return exists(directory.path.appending(name)) ? try directory.read(name) : nil
      })
    #expect(bench.log.lines == [])
  }

  @Test("the example in sh keeps what the contract says of put", arguments: storePutConformance)
  func shell(_ check: Conformance<StoreUnderTest>) async throws {
    let bench = try PluginBench("drop", ["$D/out"])
    defer { bench.store.close() }
    let directory = bench.directory
    try await check.run(
      StoreUnderTest(bench.store) { key in
        let name = BytePath("out").appending(BytePath(percentEncoded(key)))
        return exists(directory.path.appending(name)) ? try directory.read(name) : nil
      })
    #expect(bench.log.lines == [])
  }

  @Test("what a plugin does not offer is refused, and it goes on")
  func notOffered() async throws {
    let bench = try PluginBench("drop", ["$D/out"])
    defer { bench.store.close() }
    let failure = try await #require(throws: Failure.self) { try await bench.store.head(ObjectKey("a")) }
    #expect(failure.message == "cannot look at a at the plugin of p: the plugin does not offer 'head'")
    #expect(failure.kind == .permanent)
    let failures = try await bench.store.delete([ObjectKey("b"), ObjectKey("a")])
    #expect(failures.map(\.key.description) == ["a", "b"])
    var walk = bench.store.list(under: ObjectKey(""))
    await #expect(throws: Failure.self) { try await walk.next() }
    try await bench.put("x", at: "a")
    #expect(try bench.directory.read("out/a") == [0x78])
  }

  @Test("the receipt has the checksum that was compared, and only where one was")
  func receipt() async throws {
    let bench = try PluginBench("directory", ["$D/out"])
    defer { bench.store.close() }
    let receipt = try await bench.put("hello", at: "a")
    #expect(
      receipt.checksum?.hexadecimalValue == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    let silent = try PluginBench.faulty("silent-proof", proves: false)
    defer { silent.store.close() }
    #expect(try await silent.put("hello", at: "a").checksum == nil)
  }

  @Test("keys that are not UTF-8, empty or too long are refused before anything is started")
  func keys() async throws {
    let bench = try PluginBench("directory", ["$D/out"])
    defer { bench.store.close() }
    let file = try DescriptorFile(bench.directory.write("x", to: "in"))
    for (key, cause) in [
      ([0x61, 0xFF], "the key is not UTF-8, and a plugin is asked in JSON"),
      ([], "an object needs a key of at least one byte"),
      ([UInt8](repeating: 0x61, count: 1025), "the key has 1025 bytes, and a plugin is given 1024"),
    ] {
      let failure = try await #require(throws: Failure.self) {
        try await bench.store.put(file, at: ObjectKey(key), progress: TransferMeter())
      }
      #expect(failure.cause == cause)
      #expect(failure.kind == .permanent)
    }
    #expect(!exists(bench.directory.path("out")))
  }

  @Test("its environment is PATH, HOME, LANG, a mark and what the file names; nothing else is open in it")
  func environment() async throws {
    let script = """
      #!/bin/sh
      env >"$1/environment"
      pwd >"$1/pwd"
      ls /proc/$$/fd >"$1/descriptors"
      while read -r line; do echo '{"id":0,"ok":true,"version":1,"capabilities":[]}'; done
      """
    let directory = try TemporaryDirectory()
    let path = try directory.write(script, to: "plugin")
    #expect(chmod(path.description, 0o755) == 0)
    let bench = try PluginBench(path.description, ["$D"], environment: [EnvironmentVariable("OWN", "a b\nc")])
    _ = try? await bench.store.greet()
    bench.store.close()
    let lines = String(decoding: try bench.directory.read("environment"), as: UTF8.self).split(separator: "\n")
    let names = Set(lines.map { $0.prefix { $0 != "=" } })
    // A shell sets these itself.
    let own: Set<Substring> = ["PATH", "OWN", "c", "SLIPWAY_PLUGIN"]
    #expect(names.subtracting(["PWD", "OLDPWD", "SHLVL", "_"]) == own)
    #expect(try bench.directory.read("pwd") == bench.directory.path.bytes + [0x0A])
    // The script itself is open as 10 or so; 3 and 4 would be ours.
    let descriptors = String(decoding: try bench.directory.read("descriptors"), as: UTF8.self)
    #expect(descriptors.split(separator: "\n").compactMap { Int($0) }.filter { (3...9).contains($0) } == [])
  }

  @Test("the path that it is given is the file that was planned, whatever has been put in its place")
  func swapped() async throws {
    let bench = try PluginBench.faulty("none")
    defer { bench.store.close() }
    let path = try bench.directory.write("planned", to: "in")
    let file = try DescriptorFile(path)
    try bench.directory.write("secret", to: "other")
    try #require(rename(bench.directory.path("other").description, path.description) == 0)
    // The file has lost its name, which changes its times: it is sent again in the next attempt.
    let failure = try await #require(throws: Failure.self) {
      try await bench.store.put(file, at: ObjectKey("a"), progress: TransferMeter())
    }
    #expect(failure.code == Failure.sourceChanged)
    #expect(bench.object("a") == "planned")
  }

  @Test("an API that wants each request signed takes what is signed, and nothing else")
  func media() async throws {
    let directory = try TemporaryDirectory()
    let api = try Program(
      Program.Launch(
        [PluginBench.path(of: "media-api"), "shared", directory.path.description],
        environment: ["PATH": "/usr/bin:/bin"]))
    let port = await api.line(containing: "port ")?.dropFirst(5)
    await #expect(throws: Never.self) { try await upload(to: try #require(port), directory) }
    await api.destroy()
  }

  private func upload(to port: Substring, _ directory: TemporaryDirectory) async throws {
    func bench(_ secret: String) throws -> PluginBench {
      try PluginBench(
        "media", ["http://127.0.0.1:\(port)/v1"], environment: [EnvironmentVariable("MEDIA_SECRET", secret)])
    }
    let (stranger, friend) = (try bench("guessed"), try bench("shared"))
    defer { for bench in [stranger, friend] { bench.store.close() } }
    let refused = try await #require(throws: Failure.self) { try await stranger.put("film", at: "a b.mp4") }
    #expect(refused.kind == .blocked)
    #expect(refused.cause == "the API refuses the signature (401)")
    let busy = try await #require(throws: Failure.self) { try await friend.put("film", at: "a b.mp4") }
    #expect(busy.kind == .transient(retryAfter: nil))
    #expect(try await friend.put("film", at: "a b.mp4").checksum != nil)
    #expect(try directory.read("v1_a%20b.mp4") == Array("film".utf8))
  }
}
