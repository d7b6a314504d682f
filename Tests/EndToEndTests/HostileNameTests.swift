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

  @Test("Links, FIFOs, sockets and devices are left out and told by name, block nothing and fail nothing")
  func notRegular() async throws {
    try await World.with { world in
      try world.configure("after: { success: delete }")
      try world.makeTree("t", ["a": "1", "d/b": "2"], ready: false)
      for (name, target) in [("link", "/etc/passwd"), ("up", ".."), ("dangling", "gone"), ("d/loop", "loop")] {
        symlink(target, world.scratch("in/t/\(name)"))
      }
      symlink("d", world.scratch("in/t/e"))
      mkfifo(world.scratch("in/t/fifo"), 0o644)
      #expect(Self.makeSocket(world.scratch("in/t/d/socket")))
      var names = ["link", "up", "dangling", "d/loop", "e", "fifo", "d/socket"]
      // /dev/zero; needs root, and a system that lets it.
      if mknod(world.scratch("in/t/device"), S_IFCHR | 0o644, 0x105) == 0 { names.append("device") }
      try world.scratch.write("", to: "in/t/.ready")
      let program = try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/t/a", "pre/t/d/b"])
      #expect(try world.copies() == ["t/a", "t/d/b"])
      for name in names {
        #expect(program.lines().contains { $0.contains("skipped \(name): ") }, "\(name): \(program.transcript)")
      }
      let left = try world.scratch.files(below: "in/t").map { String(decoding: $0, as: UTF8.self) }
      #expect(left == names.sorted(), "what was left out stays")
      #expect(world.scratch.exists("in/t/link"), "its target was not touched")
    }
  }

  @Test("Where links are followed, those that stay in the watched directory are delivered, and the others told")
  func followed() async throws {
    try await World.with { world in
      try world.configure("symlinks: follow")
      try world.makeTree("shared", ["data/x": "of x"], ready: false)
      try world.makeTree("t", ["a": "1"], ready: false)
      for (name, target) in [
        ("in", "../shared/data"), ("out", "/etc"), ("up", "../../state"), ("x", "../shared/data/x"),
      ] {
        symlink(target, world.scratch("in/t/\(name)"))
      }
      try world.scratch.write("", to: "in/t/.ready")
      let program = try await world.run("run", "--once")
      #expect(try await world.keys() == ["pre/t/a", "pre/t/in/x", "pre/t/x"])
      #expect(world.scratch.lines("outbox/t/in/x") == ["of x"])
      for name in ["out", "up"] {
        #expect(program.lines().contains { $0.contains("skipped \(name): a symbolic link") }, "\(program.transcript)")
      }
      let explained = try await world.run("explain", world.scratch("in/t/x"))
      #expect(explained.transcript.contains("pre/t/x"), "\(explained.transcript)")
      _ = try await world.run("explain", world.scratch("in/t/out"), expecting: 1)
    }
  }

  @Test("A marker that is a link, a FIFO or a directory marks nothing")
  func markersThatAreNone() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      for name in ["link", "fifo", "directory", "file"] { try world.makeTree(name, ["a": "1"], ready: name == "file") }
      symlink("a", world.scratch("in/link/.ready"))
      mkfifo(world.scratch("in/fifo/.ready"), 0o644)
      try world.scratch.makeDirectory("in/directory/.ready")
      try await world.run("run", "--once")
      #expect(try world.copies() == ["file/a"])
    }
  }

  @Test("A name on which the filter needs too long is an error of that file; the others go on, nothing is disposed of")
  func slowPattern() async throws {
    try await World.with(.none) { world in
      try world.configure("filter: '/(a+)+$'\nafter: { success: delete }", to: "[copy]")
      let name = String(repeating: "a", count: 254) + "!"
      try world.makeTree("t", ["a": "1", name: "2", String(repeating: "a", count: 255): "3"])
      let program = try await world.run("run", "--once", expecting: 1)
      #expect(
        program.lines().contains { $0.contains("'t/\(name)': the pattern needs more than 1000000 steps") },
        "\(program.transcript)")
      #expect(try world.copies() == ["t/a", "t/" + String(repeating: "a", count: 255)])
      #expect(try world.scratch.files(below: "in").count == 4)
    }
  }

  /// What no name may bring into an output, and into one for people.
  private static func steering(_ text: String, isJSON: Bool) -> [Unicode.Scalar] {
    text.unicodeScalars.filter { scalar in
      switch scalar.properties.generalCategory {
      case .control: scalar != "\n"
      case .format, .lineSeparator, .paragraphSeparator: !isJSON
      default: false
      }
    }
  }

  @Test("fault 15: no verb lets a name steer the terminal, and what is told as JSON has it whole")
  func everyVerb() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      let tree = "t\u{1B}[31m\u{9B}31m\n\u{202E}\u{2028}"
      let names = Self.names + ["\u{9B}2J", "\u{85}\u{200B}"]
      for name in names { try world.scratch.write([1], toBytes: Array("in/\(tree)/\(name)".utf8)) }
      symlink("/etc/passwd", world.scratch("in/\(tree)/link\u{1B}[2J"))
      try world.scratch.write("", to: "in/\(tree)/.ready")
      var texts = [try await world.run("run", "--once", "--dry-run", "-v")]
      let log = try await world.run("run", "--once", "-v", "--log", "json")
      #expect(try log.objects(.errors).count > names.count)
      let runs = try await world.run("runs", "--json")
      #expect(try runs.objects().map { $0["tree"] as? String } == [world.scratch("in/\(tree)")])
      let id = try #require(try runs.objects().first?["run"] as? String)
      texts += [try await world.run("runs"), try await world.run("show", id, "--files")]
      let shown = try await world.run("show", id, "--json")
      let paths = try shown.objects().compactMap { ($0["path"] as? String).map { Array($0.utf8) } }
      #expect(Set(paths) == Set(names.map { Array($0.utf8) }), "\(shown.transcript)")
      var documents = [log, runs, shown]
      for name in names {
        documents.append(try await world.run("explain", world.scratch("in/\(tree)/\(name)"), "--json"))
      }
      texts.append(try await world.run("explain", world.scratch("in/\(tree)/\(names[0])")))
      for (programs, isJSON) in [(texts, false), (documents, true)] {
        for program in programs {
          #expect(Self.steering(program.transcript, isJSON: isJSON) == [], "\(program.transcript)")
        }
      }
    }
  }

  private static func makeSocket(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
