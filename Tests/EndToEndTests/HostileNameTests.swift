import Foundation
import SlipwayModel
import TestSupport
import Testing

@Suite("Hostile names", .needsBinary)
struct HostileNameTests {
  static let names = [
    "new\nline", "tab\tbed", "\u{1}bell\u{7}", " leading and trailing ", "a+b", "q?x=1&y=2", "ha#sh",
    "per%cent %41 %2F",
    "st*r", "amp&lt;", "quo\"te", "it's", "🚢 emoji", "-rf", "$(touch pwned)", "`touch pwned`", "; touch pwned;",
    "back\\slash", "\u{202E}txt.exe", "~tilde~", "[brackets]{braces}", "semi;colon:@,=", "...", "ÄÖÜ", "<tag>",
    "|pipe|",
    "e\u{301}-nfd", "\u{E9}-nfc", "case", "CASE", "\u{7F}del", "\r",
  ]

  @Test("Keys read back byte for byte, with the right content, and nothing is executed")
  func roundTrip() async throws {
    try await World.with { world in
      try world.configure("hooks: { post: [{ shell: 'printf %s \"$SLIPWAY_TREE\" >\(world.scratch("tree"))' }] }")
      let tree = "t $(touch pwned)\n🚢"
      for name in Self.names {
        try world.scratch.write(Array("of \(name)".utf8), toBytes: Array("in/\(tree)/\(name)".utf8))
      }
      try world.makeTree(tree, ["d\n/+/%2e": "deep"])
      let program = try await world.run("run", "--once")
      let expected = (Self.names + ["d\n/+/%2e"]).map { Array("\(tree)/\($0)".utf8) }
      let keys = try await world.reader.keys(world.bucket)
      #expect(keys == expected.map { Array("pre/".utf8) + $0 }.sorted { $0.precedes($1) }, "\(program.transcript)")
      #expect(try world.scratch.files(below: "outbox") == expected.sorted { $0.precedes($1) })
      for name in Self.names {
        let object = try await world.reader.get(world.bucket, Array("pre/\(tree)/\(name)".utf8))
        #expect(object.bytes == Array("of \(name)".utf8))
      }
      #expect(world.scratch.read("tree") == Array(world.scratch("in/\(tree)").utf8))
      let everything = try world.scratch.files(below: "in") + world.scratch.files(below: "state")
      #expect(!everything.contains { BytePath($0).name == BytePath("pwned") } && !world.scratch.exists("pwned"))
      #expect(!program.transcript.utf8.contains { $0 < 0x20 && $0 != 0x0A }, "a name steered the terminal")
    }
  }

  @Test("NFC and NFD, and names that differ in case, are two objects each")
  func twins() async throws {
    try await World.with { world in
      try world.configure()
      let names = ["\u{E9}", "e\u{301}", "k", "K"].map { Array($0.utf8) }
      for name in names { try world.scratch.write(name, toBytes: Array("in/t/".utf8) + name) }
      try world.makeTree("t", [:])
      try await world.run("run", "--once")
      for name in names {
        let object = try await world.reader.get(world.bucket, Array("pre/t/".utf8) + name)
        #expect(object.bytes == name)
        #expect(world.scratch.read(bytes: Array("outbox/t/".utf8) + name) == name)
      }
      #expect(try await world.reader.keys(world.bucket).count == 4)
    }
  }

  @Test("A name that is not UTF-8 fails at S3, escaped; the others go on, and a directory takes it")
  func notUTF8() async throws {
    try await World.with { world in
      try world.configure("after: { success: delete, failure: keep }")
      try world.scratch.write([1], toBytes: Array("in/t/".utf8) + [0x62, 0xFF, 0x64])
      try world.makeTree("t", ["a": "1"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(program.lines().contains { $0.contains(#"b\xffd"#) }, "\(program.transcript)")
      #expect(try await world.keys() == ["pre/t/a"])
      #expect(try world.scratch.files(below: "outbox") == [Array("t/a".utf8), Array("t/b".utf8) + [0xFF, 0x64]])
      #expect(try world.scratch.files(below: "in").count == 3, "nothing is disposed of")
    }
  }

  @Test("Links, FIFOs and sockets are left out and told by name, and block nothing")
  func notRegular() async throws {
    try await World.with { world in
      try world.configure(to: "[copy]")
      try world.makeTree("t", ["a": "1"], ready: false)
      symlink("/etc/passwd", world.scratch("in/t/link"))
      symlink("..", world.scratch("in/t/up"))
      symlink("gone", world.scratch("in/t/dangling"))
      mkfifo(world.scratch("in/t/fifo"), 0o644)
      try world.scratch.write("", to: "in/t/.ready")
      let program = try await world.run("run", "--once")
      #expect(try world.copies() == ["t/a"])
      for name in ["link", "up", "dangling", "fifo"] {
        #expect(program.lines().contains { $0.contains(name) }, "\(program.transcript)")
      }
    }
  }
}
