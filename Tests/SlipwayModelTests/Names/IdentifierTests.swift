import SlipwayModel
import Testing

@Suite("Identifiers and failures")
struct IdentifierTests {
  @Test(
    "A workflow's name is letters, digits, '.', '_' and '-', and begins with a letter or digit",
    arguments: [
      ("nightly", true), ("9", true), ("a.b_c-D", true), ("", false), (".a", false), ("-a", false), ("_a", false),
      ("a b", false), ("a/b", false), ("é", false), ("a\n", false), (String(repeating: "a", count: 64), true),
      (String(repeating: "a", count: 65), false),
    ])
  func names(text: String, isValid: Bool) {
    #expect(WorkflowName.isValid(text) == isValid)
  }

  @Test("Run IDs are 26 characters and sort by their time")
  func runIDs() {
    var random = SplitMix(state: 3)
    let times = (0..<500).map { _ in Int64.random(in: 0...4_000_000_000_000, using: &random) }.sorted()
    let ids = times.map { milliseconds in
      RunID(
        at: Timestamp(nanoseconds: milliseconds * 1_000_000),
        entropy: (UInt16.random(in: .min ... .max, using: &random), random.next()))
    }
    #expect(ids.allSatisfy { $0.text.utf8.count == 26 })
    #expect(ids.allSatisfy { $0.text.utf8.allSatisfy { Array("0123456789abcdefghjkmnpqrstvwxyz".utf8).contains($0) } })
    for (index, id) in ids.enumerated().dropFirst() where times[index - 1] < times[index] {
      #expect(ids[index - 1] < id)
    }
  }

  @Test("A run ID is time and entropy in Crockford's base 32")
  func runIDText() {
    #expect(RunID(at: Timestamp(nanoseconds: 0), entropy: (0, 0)).text == "00000000000000000000000000")
    #expect(RunID(at: Timestamp(nanoseconds: 0), entropy: (0, 31)).text == "0000000000000000000000000z")
    // The example of the ULID specification: 1469918176385 is 01ARYZ6S41.
    let id = RunID(at: Timestamp(nanoseconds: 1_469_918_176_385 * 1_000_000), entropy: (0xFFFF, .max))
    #expect(id.text == "01aryz6s41zzzzzzzzzzzzzzzz")
    #expect(RunID(at: Timestamp(nanoseconds: -5), entropy: (0, 1)).text == "00000000000000000000000001")
  }

  @Test("Trees overlap when one contains the other, whatever their workflows")
  func overlaps() {
    func tree(_ workflow: String, _ watch: String, _ name: String) -> TreeID {
      TreeID(workflow: WorkflowName(workflow), watch: BytePath(watch), name: BytePath(name))
    }
    #expect(tree("a", "/w", "x").overlaps(tree("b", "/w/x", "y")))
    #expect(tree("b", "/w/x", "y").overlaps(tree("a", "/w", "x")))
    #expect(tree("a", "/w", ".").overlaps(tree("a", "/w", "x")))
    #expect(tree("a", "/w", "x").overlaps(tree("b", "/w", "x")))
    #expect(!tree("a", "/w", "x").overlaps(tree("a", "/w", "xy")))
    #expect(!tree("a", "/w", "x/a").overlaps(tree("a", "/w", "x/b")))
    #expect(tree("a", "/w", ".").path == BytePath("/w"))
    #expect(tree("a", "/w", "x").description == "a: /w/x")
  }

  @Test("A secret is redacted however it is shown")
  func secret() {
    let secret = Secret("hunter2")
    var dumped = ""
    dump(["key": secret], to: &dumped)
    for text in ["\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", dumped] {
      #expect(!text.contains("hunter2"))
    }
    #expect("\(secret)" == "<redacted>")
    #expect(secret.reveal() == "hunter2")
  }

  @Test("A failure is one sentence with its remedy")
  func failure() {
    let plain = Failure(.permanent, "open", "/w/a", code: "EACCES", cause: "permission denied")
    #expect(plain.message == "cannot open /w/a: permission denied")
    let helped = Failure(.blocked, "upload", "a", cause: "access denied", remedy: "check the keys")
    #expect("\(helped)" == "cannot upload a: access denied; check the keys")
  }

  @Test("Fingerprints of two processes are compared without the device")
  func fingerprints() {
    let planned = Fingerprint(device: 1, inode: 2, size: 3, modified: 4, changed: 5)
    #expect(planned.matchesAcrossProcesses(Fingerprint(device: 9, inode: 2, size: 3, modified: 4, changed: 5)))
    for other in [
      Fingerprint(device: 1, inode: 9, size: 3, modified: 4, changed: 5),
      Fingerprint(device: 1, inode: 2, size: 9, modified: 4, changed: 5),
      Fingerprint(device: 1, inode: 2, size: 3, modified: 9, changed: 5),
      Fingerprint(device: 1, inode: 2, size: 3, modified: 4, changed: 9),
    ] {
      #expect(!planned.matchesAcrossProcesses(other))
    }
  }
}
