import SlipwayModel
import Testing

@Suite("Sidecars")
struct SidecarTests {
  private func planner(
    _ sidecars: [String: String], fingerprint: Fingerprint = fingerprint(9), suffix: String = ".metadata"
  ) throws -> Planner {
    var planned = workflow()
    planned.sidecar = BytePath(suffix)
    return Planner(
      tree: TreeID(workflow: planned.name, watch: BytePath("/srv/out"), name: BytePath("t")), workflow: planned,
      selection: try FileSelection(planned, compiler: SubstringCompiler()),
      mapping: KeyMapping(watch: BytePath("/srv/out"), sourcePrefix: nil, targetPrefix: []),
      destinations: [(name: DestinationName("a"), prefix: [])],
      lookUp: { path throws(Failure) in sidecars[path.description] == nil ? nil : fingerprint },
      read: { path throws(Failure) in sidecars[path.description].map { Array($0.utf8) } })
  }

  private func decision(_ planner: Planner, _ path: String, rows: [UploadRecord] = []) -> PlanItem.Decision {
    planner.decide(WalkEntry(path: BytePath(path), kind: .file(fingerprint())), rows: rows).decision
  }

  private func tags(_ planner: Planner, _ path: String) -> [String: String]? {
    if case .upload(let planned) = decision(planner, path) { planned.tags } else { nil }
  }

  private func problem(_ planner: Planner, _ path: String) -> String? {
    if case .fail(let failure) = decision(planner, path) { failure.message } else { nil }
  }

  @Test("It gives its tags to every x.* beside it, and to nothing else")
  func stems() throws {
    let planner = try planner(["t/d/x.metadata": #"{"k": 1}"#])
    for path in ["d/x.csv", "d/x.tar.gz", "d/x.", "d/x.metadata.csv"] {
      #expect(tags(planner, path) == ["k": "1"], "\(path)")
    }
    for path in ["d/x", "d/xx.csv", "x.csv", "d/e/x.csv", "d/.x.csv", "d/X.csv"] {
      #expect(tags(planner, path) == [:], "\(path)")
    }
  }

  @Test("Of several the longest stem counts, alone")
  func longest() throws {
    let planner = try planner(["t/x.metadata": #"{"a": 1, "b": 1}"#, "t/x.tar.metadata": #"{"b": 2}"#])
    #expect(tags(planner, "x.tar.gz") == ["b": "2"])
    #expect(tags(planner, "x.zip") == ["a": "1", "b": "1"])
  }

  @Test("It is not uploaded, and what it is now is a part of the tree's state; a name without a stem is any file's")
  func skipped() throws {
    let planner = try planner([:])
    let item = planner.decide(WalkEntry(path: BytePath("d/x.metadata"), kind: .file(fingerprint(3))))
    #expect(item.decision == .skip(.sidecar) && item.consulted == fingerprint(3))
    #expect(tags(planner, "d/.metadata") == [:])
    var (one, other) = (TreeDigest(), TreeDigest())
    one.add(item)
    other.add(PlanItem(path: item.path, decision: item.decision, consulted: fingerprint(4)))
    #expect(one != other && one.fileCount == 0)
  }

  @Test(
    "What S3 takes for no tags is a permanent error of the file",
    arguments: [
      ("[]", "line 1, column 1: expected '{', the beginning of an object"),
      (#"{"k": {}}"#, "line 1, column 7: the value of 'k' is an object"),
      (#"{"": 1}"#, "a tag needs a name: ''"),
      (#"{"aws:x": 1}"#, "the name of a tag does not begin with 'aws:': 'aws:x'"),
      (#"{"k": "\u0000"}"#, "a tag has no control characters: 'k'"),
    ])
  func refused(_ text: String, _ told: String) throws {
    let planner = try planner(["t/x.metadata": text])
    #expect(
      problem(planner, "x.csv")
        == "cannot upload t/x.csv: its sidecar t/x.metadata: \(told); correct the sidecar, or remove it")
    #expect(tags(planner, "y.csv") == [:], "the others go on")
  }

  @Test("Ten tags are taken, eleven are not, nor are names and values that are too long")
  func limits() throws {
    func object(_ count: Int, name: String = "k", value: String = "v") -> String {
      "{" + (0..<count).map { "\"\(name)\($0)\": \"\(value)\"" }.joined(separator: ",") + "}"
    }
    func long(_ count: Int) -> String { String(repeating: "x", count: count) }
    #expect(tags(try planner(["t/x.metadata": object(10)]), "x.csv")?.count == 10)
    #expect(try problem(planner(["t/x.metadata": object(11)]), "x.csv")?.contains("11 tags, S3 allows 10") == true)
    #expect(tags(try planner(["t/x.metadata": object(1, name: long(127), value: long(256))]), "x.csv")?.count == 1)
    #expect(try problem(planner(["t/x.metadata": object(1, name: long(128))]), "x.csv")?.contains("128 char") == true)
    #expect(try problem(planner(["t/x.metadata": object(1, value: long(257))]), "x.csv")?.contains("256 char") == true)
  }

  @Test("What was proven with another sidecar, or with none, is to be sent again")
  func changed() throws {
    func row(_ planner: Planner) -> [UploadRecord] {
      guard case .upload(let planned) = decision(planner, "x.csv") else { return [] }
      #expect(planned.fingerprint == fingerprint())
      return [
        UploadRecord(
          run: RunID("r"), destination: DestinationName("a"), path: BytePath("x.csv"), fingerprint: planned.recorded,
          key: planned.key, status: .proven(PutReceipt(size: 3, etag: "e", checksum: nil)))
      ]
    }
    let (without, one) = (try planner([:]), try planner(["t/x.metadata": "{}"]))
    let other = try planner(["t/x.metadata": "{}"], fingerprint: fingerprint(8))
    for planner in [without, one, other] {
      guard case .proven(let planned) = decision(planner, "x.csv", rows: row(planner)) else {
        Issue.record("it is proven")
        continue
      }
      #expect(planned.fingerprint == fingerprint(), "what is deleted is the file as it is")
    }
    for (before, after) in [(without, one), (one, without), (one, other)] {
      guard case .upload = decision(after, "x.csv", rows: row(before)) else {
        Issue.record("it is sent again")
        continue
      }
    }
  }
}
