import SlipwayModel
import Testing

@Suite("The plan of a run")
struct PlannerTests {
  private let here = DestinationName("here")
  private let there = DestinationName("there")
  private let receipt = PutReceipt(size: 3, etag: "e", checksum: nil)

  private func planner(
    _ planned: Workflow = workflow(), tree: String = "t", source: String? = nil,
    prefixes: [String] = ["builds", "builds"],
    files: Set<String> = []
  ) throws -> Planner {
    let watch = BytePath("/srv/out")
    return Planner(
      tree: TreeID(workflow: planned.name, watch: watch, name: BytePath(tree)), workflow: planned,
      selection: try FileSelection(planned, compiler: SubstringCompiler()),
      mapping: KeyMapping(
        watch: watch, sourcePrefix: source.map { BytePath($0) }, targetPrefix: Array("p".utf8)),
      destinations: [(name: here, prefix: Array(prefixes[0].utf8)), (name: there, prefix: Array(prefixes[1].utf8))],
      lookUp: { path throws(Failure) in
        if path.name == BytePath("unreadable") { throw Failure(.transient(retryAfter: nil), "open", "x", cause: "EIO") }
        return files.contains(path.description) ? fingerprint(7) : nil
      })
  }

  private func file(_ path: String, _ fingerprint: Fingerprint = fingerprint()) -> WalkEntry {
    WalkEntry(path: BytePath(path), kind: .file(fingerprint))
  }

  private func row(
    _ destination: DestinationName, _ fingerprint: Fingerprint = fingerprint(), key: String = "builds/p/t/x",
    status: UploadRecord.Status? = nil
  ) -> UploadRecord {
    UploadRecord(
      run: RunID("r"), destination: destination, path: BytePath("x"), fingerprint: fingerprint, key: ObjectKey(key),
      status: status ?? .proven(receipt))
  }

  private func planned(_ key: String, to destinations: [DestinationName], by rule: FilterRule? = nil) -> PlannedUpload {
    PlannedUpload(fingerprint: fingerprint(), key: ObjectKey(key), destinations: destinations, rule: rule)
  }

  @Test("A file goes to every destination under its key, relative to the watched directory")
  func upload() throws {
    let item = try planner(workflow(filter: ["t/a"])).decide(file("a/b"))
    #expect(item.path == BytePath("a/b"))
    #expect(item.decision == .upload(planned("p/t/a/b", to: [here, there], by: rule("t/a"))))
  }

  @Test("The watched directory itself can be the tree")
  func wholeWatch() throws {
    #expect(try planner(tree: ".").decide(file("a")).decision == .upload(planned("p/a", to: [here, there])))
  }

  @Test("What is proven is not sent again, and only to those that lack it")
  func proven() throws {
    let planner = try planner()
    #expect(
      planner.decide(file("x"), rows: [row(here), row(there)]).decision
        == .proven(planned("p/t/x", to: [here, there])))
    #expect(planner.decide(file("x"), rows: [row(here)]).decision == .upload(planned("p/t/x", to: [there])))
    let failed = row(there, status: .failed("no", isPermanent: false))
    #expect(planner.decide(file("x"), rows: [row(here), failed]).decision == .upload(planned("p/t/x", to: [there])))
  }

  @Test("Another content, or another key, proves nothing")
  func staleProof() throws {
    let planner = try planner()
    let all = PlanItem.Decision.upload(planned("p/t/x", to: [here, there]))
    #expect(planner.decide(file("x"), rows: [row(here, fingerprint(2)), row(there, fingerprint(2))]).decision == all)
    #expect(planner.decide(file("x"), rows: [row(here, key: "q/t/x"), row(there, key: "p/t/y")]).decision == all)
    #expect(planner.decide(file("x"), rows: [row(DestinationName("gone"))]).decision == all)
  }

  @Test("A reboot may change the device without changing the file")
  func reboot() throws {
    let rows = [row(here, fingerprint(device: 9)), row(there, fingerprint(device: 9))]
    #expect(try planner().decide(file("x"), rows: rows).decision == .proven(planned("p/t/x", to: [here, there])))
  }

  @Test("Links and special files are left out, by name")
  func notRegular() throws {
    let planner = try planner()
    #expect(planner.decide(WalkEntry(path: BytePath("l"), kind: .link)).decision == .skip(.link))
    #expect(planner.decide(WalkEntry(path: BytePath("f"), kind: .special)).decision == .skip(.special))
  }

  @Test("What cannot be read is an error of that file")
  func unreadable() throws {
    let failure = Failure(.permanent, "open", "u", code: "EACCES", cause: "permission denied")
    #expect(
      try planner().decide(WalkEntry(path: BytePath("u"), kind: .unreadable(failure))).decision == .fail(failure))
  }

  @Test("The tree's own marker is left out, that of a tree inside is answered")
  func markers() throws {
    let identity = MarkerIdentity(inode: 1, modified: 5)
    #expect(try planner().decide(file(".ready")).decision == .skip(.marker))
    #expect(
      try planner().decide(file("in/ner/.ready")).decision == .answer(inner: BytePath("t/in/ner"), identity))
    #expect(
      try planner(tree: ".").decide(file("in/.ready")).decision == .answer(inner: BytePath("in"), identity))
    let stopping = workflow(stop: .markers(complete: BytePath(".complete"), abort: nil))
    #expect(try planner(stopping, tree: ".").decide(file(".complete")).decision == .skip(.marker))
    #expect(
      try planner(stopping).decide(file(".complete")).decision
        == .upload(planned("p/t/.complete", to: [here, there])))
  }

  @Test("A pattern beyond its limit is an error of the file")
  func limit() throws {
    let failure = Failure(.permanent, "match", "t/x", cause: "the pattern exceeds its limit")
    #expect(try planner(workflow(filter: ["!"])).decide(file("x")).decision == .fail(failure))
  }

  @Test("A key that S3 cannot take is an error before anything is sent")
  func longKeys() throws {
    // p/t/ and the name.
    func name(_ keyLength: Int) -> String { String(repeating: "n", count: keyLength - 4) }
    func cause(_ item: PlanItem) -> String? {
      if case .fail(let failure) = item.decision { failure.cause } else { nil }
    }
    #expect(cause(try planner(prefixes: ["", ""]).decide(file(name(1024)))) == nil)
    #expect(
      cause(try planner(prefixes: ["", ""]).decide(file(name(1025)))) == "the key has 1025 bytes, S3 allows 1024")
    let prefixed = try planner(prefixes: ["", String(repeating: "b", count: 23)])
    #expect(cause(prefixed.decide(file(name(1000)))) == nil)
    #expect(
      cause(prefixed.decide(file(name(1001))))
        == "with the destination's prefix the key has 1025 bytes, S3 allows 1024")
  }

  @Test("A file with the key of the manifest is an error where one is uploaded")
  func manifest() throws {
    var committed = workflow()
    committed.commit = .manifest
    #expect(
      try planner(committed).decide(file("manifest.json")).decision
        == .fail(
          Failure(
            .permanent, "upload", "t/manifest.json",
            cause: "it and the manifest of the run ('commit: manifest') have the same key p/t/manifest.json",
            remedy: "exclude the file, or leave out 'commit'")))
    #expect(
      try planner(committed).decide(file("d/manifest.json")).decision
        == .upload(planned("p/t/d/manifest.json", to: [here, there])))
    #expect(
      try planner().decide(file("manifest.json")).decision
        == .upload(planned("p/t/manifest.json", to: [here, there])))
  }

  @Test("Two files with one key are errors of both, each naming the other")
  func rivals() throws {
    // /srv/out/t is stripped; /srv/out/srv/out/x is not… and neither is what reads like it.
    let both: Set = ["t/srv/out/x", "x"]
    let planner = try planner(tree: ".", source: "/srv/out/t", files: both)
    #expect(
      planner.decide(file("x")).decision
        == .fail(
          Failure(.permanent, "upload", "x", cause: "it and t/srv/out/x have the same key p/srv/out/x")))
    #expect(
      planner.decide(file("t/srv/out/x")).decision
        == .fail(
          Failure(.permanent, "upload", "t/srv/out/x", cause: "it and x have the same key p/srv/out/x")))
  }

  @Test("A rival that is not there, or not taken, is none")
  func noRival() throws {
    #expect(
      try planner(tree: ".", source: "/srv/out/t").decide(file("x")).decision
        == .upload(planned("p/srv/out/x", to: [here, there])))
    let excluding = workflow(exclude: ["t/srv"])
    #expect(
      try planner(excluding, tree: ".", source: "/srv/out/t", files: ["t/srv/out/x"]).decide(file("x")).decision
        == .upload(planned("p/srv/out/x", to: [here, there])))
  }

  @Test("A rival that cannot be looked up is an error, never a silent no")
  func unknownRival() throws {
    let decision = try planner(tree: ".", source: "/srv/out/t").decide(file("unreadable")).decision
    #expect(decision == .fail(Failure(.transient(retryAfter: nil), "open", "x", cause: "EIO")))
  }
}
