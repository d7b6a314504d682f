import Foundation
import HookRunning
import SlipwayModel
import Testing

@Suite("The ready-made pre hooks")
struct PreHookScriptTests {
  let bench: ScriptBench

  init() throws {
    bench = try ScriptBench()
  }

  @Test("every script is executable, says its phase and shows an example")
  func headers() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: ScriptBench.scripts)
    #expect(Set(names).isSuperset(of: ["checksums", "gzip", "notify", "cleanup", "require"]))
    for name in names {
      let path = ScriptBench.scripts + "/" + name
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text.hasPrefix("#!/bin/sh\n# \(name): "), "\(name)")
      #expect(text.contains("\n# Phase      p"), "\(name)")
      #expect(text.contains("run: [hooks/\(name)"), "\(name)")
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o755, "\(name)")
    }
  }

  @Test("shellcheck has nothing to say", .enabled(if: FileManager.default.fileExists(atPath: "/usr/bin/shellcheck")))
  func shellcheck() async {
    let result = await bench.bench.shell("exec shellcheck -s sh \(ScriptBench.scripts)/*")
    #expect(result.ending == .exited(0))
    #expect(result.text == "")
  }

  @Test("checksums: every file is listed in byte order, sha256sum agrees, and a second run touches nothing")
  func checksums() async throws {
    for name in ScriptBench.hostileNames { bench.make(name, "content of \(hexadecimal(name))") }
    try FileManager.default.createDirectory(atPath: bench.tree + "/-sub dir", withIntermediateDirectories: false)
    bench.make("-sub dir/SHA256SUMS", "below")
    bench.make(".ready", "")
    bench.make("skip.tmp", "")
    symlink("/etc/passwd", bench.tree + "/link")

    let first = await bench.run("checksums", ["--exclude", "*.tmp"])
    #expect(first.ending == .exited(0))
    #expect(first.text == "")
    let check = await bench.bench.shell(
      "cd watch/tree && sha256sum -c --strict --quiet SHA256SUMS && wc -l < SHA256SUMS")
    #expect(check.text == "\(ScriptBench.hostileNames.count + 1)\n")
    let sums = try bench.bench.read("watch/tree/SHA256SUMS")
    #expect(sums.contains("  ./--help\n"))
    #expect(!sums.contains(".ready") && !sums.contains("skip.tmp") && !sums.contains("link"))

    let time = bench.status(Array("SHA256SUMS".utf8)).st_mtim
    let inode = bench.status(Array("SHA256SUMS".utf8)).st_ino
    #expect(await bench.run("checksums", ["--exclude", "*.tmp"]).ending == .exited(0))
    #expect(bench.status(Array("SHA256SUMS".utf8)).st_mtim.tv_nsec == time.tv_nsec)
    #expect(bench.status(Array("SHA256SUMS".utf8)).st_ino == inode)
    #expect(try bench.bench.read("watch/tree/SHA256SUMS") == sums)

    bench.make("plain.log", "other")
    #expect(await bench.run("checksums", ["--exclude", "*.tmp"]).ending == .exited(0))
    #expect(try bench.bench.read("watch/tree/SHA256SUMS") != sums)
    #expect(bench.names(in: bench.state) == [])
    #expect(!bench.bench.exists("watch/tree/injected"))
  }

  @Test("checksums: an empty tree, a link in the way, a single file, a dry run")
  func checksumsEdges() async throws {
    #expect(await bench.run("checksums").ending == .exited(0))
    #expect(try bench.bench.read("watch/tree/SHA256SUMS") == "")
    try FileManager.default.removeItem(atPath: bench.tree + "/SHA256SUMS")
    try bench.bench.write("victim", "untouched")
    symlink(bench.bench.path("victim"), bench.tree + "/SHA256SUMS")
    let linked = await bench.run("checksums")
    #expect(linked.ending == .exited(1))
    #expect(linked.text == "checksums: SHA256SUMS is in the way: not a regular file\n")
    #expect(try bench.bench.read("victim") == "untouched")
    unlink(bench.tree + "/SHA256SUMS")
    let single = await bench.run("checksums", tree: bench.bench.path("victim"))
    #expect(single.ending == .exited(78))
    #expect(single.text == "checksums: the tree is not a directory\n")
    let dry = await bench.run("checksums", environment: [EnvironmentVariable("SLIPWAY_DRY_RUN", "1")])
    #expect(dry.text == "checksums: dry run, nothing is written\n")
    #expect(bench.names() == [])
    #expect(await bench.run("checksums", ["--exclude"]).ending == .exited(64))
  }

  @Test(
    "checksums and gzip: files of a queue that share hooks are no tree, and nothing is done",
    arguments: ["checksums", "gzip"])
  func sharedByFiles(script: String) async throws {
    try bench.bench.write(
      "shared.json", #"{"version":1,\#n"files":[\#n{"run":"01","path":"/w/x"}\#n],\#n"objects":[\#n]}"#)
    bench.make("x.log", "one of a queue")
    let result = await bench.run(
      script, environment: [EnvironmentVariable("SLIPWAY_MANIFEST", bench.bench.path("shared.json"))])
    #expect(result.ending == .exited(78))
    #expect(result.text == "\(script): files of a queue that share hooks are no tree: remove 'batch', or this hook\n")
    #expect(bench.names() == [Array("x.log".utf8)])
  }

  @Test(
    "checksums: a file that cannot be read is a failure, and the old list stays",
    .enabled(if: getuid() != 0, "root can read every file"))
  func checksumsUnreadable() async {
    bench.make("secret", "x")
    chmod(bench.tree + "/secret", 0)
    #expect(await bench.run("checksums").ending == .exited(123))
    #expect(!bench.bench.exists("watch/tree/SHA256SUMS"))
  }

  @Test("gzip: what matches becomes NAME.gz, byte for byte and reproducibly, and a second run changes nothing")
  func gzip() async throws {
    for name in ScriptBench.hostileNames { bench.make(name, "content of \(hexadecimal(name))\n") }
    chmod(bench.tree + "/plain.log", 0o640)
    let time = bench.status(Array("plain.log".utf8)).st_mtim
    let first = await bench.run("gzip")
    #expect(first.ending == .exited(0))
    #expect(first.text == "")
    let expected = ScriptBench.hostileNames.map { name in
      [".log", ".txt", ".csv"].contains { name.suffix(4).elementsEqual($0.utf8) } ? name + Array(".gz".utf8) : name
    }
    #expect(bench.names() == expected.sorted { $0.precedes($1) })
    let packed = bench.status(Array("plain.log.gz".utf8))
    #expect(packed.st_mode & 0o777 == 0o640)
    #expect(packed.st_mtim.tv_sec == time.tv_sec && packed.st_mtim.tv_nsec == time.tv_nsec)
    let whole = await bench.bench.shell("cd watch/tree && gzip -dc ./*.gz | sort")
    #expect(
      whole.text
        == zip(expected, ScriptBench.hostileNames).filter { $0 != $1 }.map { "content of \(hexadecimal($1))\n" }
        .sorted()
        .joined())
    #expect(await bench.run("gzip").ending == .exited(0))
    #expect(bench.names() == expected.sorted { $0.precedes($1) })
    #expect(bench.status(Array("plain.log.gz".utf8)).st_ino == packed.st_ino)
    #expect(!bench.bench.exists("watch/tree/injected"))
  }

  @Test("gzip: a run that was killed is taken up, another's file is never replaced")
  func gzipAgain() async throws {
    bench.make("a.log", "one")
    bench.make(".slipway-gzip.AbCdEf", "half")
    // As after a kill between the new name and the removal of the old one.
    _ = await bench.bench.shell("cd watch/tree && gzip -nk a.log")
    #expect(await bench.run("gzip").ending == .exited(0))
    #expect(bench.names() == [Array("a.log.gz".utf8)])
    bench.make("a.log", "two")
    let result = await bench.run("gzip")
    #expect(result.ending == .exited(1))
    #expect(result.text == "gzip: in the way, and not the same compressed: ./a.log.gz\n")
    try FileManager.default.createDirectory(atPath: bench.tree + "/in/deep", withIntermediateDirectories: true)
    for name in ["in/deep/b.txt", "in/deep/b.txt.gz"] { bench.make(name, "two") }
    let deep = await bench.run("gzip", ["*.txt"])
    #expect(deep.text == "gzip: in the way, and not the same compressed: ./in/deep/b.txt.gz\n")
    try FileManager.default.removeItem(atPath: bench.tree + "/in")
    #expect(bench.names() == [Array("a.log".utf8), Array("a.log.gz".utf8)])
    #expect(await bench.bench.shell("gzip -dc watch/tree/a.log.gz").text == "one")
  }

  /// A `gzip` that replaces with links, at its first call, all of these names but that of the file it reads.
  private func swappingGzip(_ names: String, file: String = "", by target: String) async -> EnvironmentVariable {
    let (bin, path) = (bench.bench.path("bin"), bench.bench.path(target))
    _ = await bench.bench.shell(
      """
      mkdir bin && cat >bin/gzip <<'END' && chmod 755 bin/gzip
      #!/bin/sh
      if mkdir '\(bin)/called' 2>/dev/null; then
        own=$(stat -L -c %i /dev/stdin)
        for name in '\(bench.tree)'/\(names); do
          [ "$(stat -c %i "$name\(file)")" = "$own" ] || { mv "$name" '\(bin)' && ln -s '\(path)' "$name"; }
        done
      fi
      exec /usr/bin/gzip "$@"
      END
      """)
    return EnvironmentVariable("PATH", "\(bin):/usr/bin:/bin")
  }

  @Test("gzip: a directory that is swapped for a link is not worked in")
  func gzipSwappedDirectory() async throws {
    for name in ["watch/tree/a", "watch/tree/b", "victim"] {
      try FileManager.default.createDirectory(atPath: bench.bench.path(name), withIntermediateDirectories: true)
      try bench.bench.write(name + "/x.log", "content of \(name)")
    }
    let path = await swappingGzip("?", file: "/x.log", by: "victim")
    await bench.run("gzip", environment: [path])
    #expect(bench.bench.exists("bin/called"))
    #expect(bench.names(in: bench.bench.path("victim")) == [Array("x.log".utf8)])
  }

  @Test("gzip: a file that is swapped for a link is not read")
  func gzipSwappedFile() async throws {
    for name in ["a", "b", "c"] { bench.make(name + ".log", "content of \(name)") }
    try bench.bench.write("secret", "content of another")
    let path = await swappingGzip("*.log", by: "secret")
    let result = await bench.run("gzip", environment: [path])
    #expect(result.ending == .exited(1))
    #expect(result.text.hasPrefix("gzip: a link has taken its place: ./"))
    let packed = await bench.bench.shell("gzip -dc watch/tree/*.gz")
    #expect(packed.text.hasPrefix("content of "))
    #expect(!packed.text.contains("another"))
  }

  @Test("gzip: patterns of one's own, and nothing that looks like an option")
  func gzipPatterns() async {
    bench.make("a.json", "{}")
    bench.make("b.log", "x")
    #expect(await bench.run("gzip", ["*.json", "*.xml"]).ending == .exited(0))
    #expect(bench.names() == [Array("a.json.gz".utf8), Array("b.log".utf8)])
    let option = await bench.run("gzip", ["-n"])
    #expect(option.ending == .exited(64))
    #expect(option.text == "gzip: not a pattern: -n\n")
  }

  @Test("require: lets a tree go on, wait or be skipped")
  func require() async {
    bench.make("-a b", "")
    #expect(await bench.run("require", ["-a b"]).ending == .exited(0))
    #expect(await bench.run("require", ["-a b"]).ending == .exited(0))
    let missing = await bench.run("require", ["-a b", "build-info.json"])
    #expect(missing.ending == .exited(75))
    #expect(missing.text == "require: not in the tree: build-info.json\n")
    #expect(await bench.run("require", ["--skip", "x"]).ending == .exited(77))
    #expect(await bench.run("require").ending == .exited(64))
  }
}
