import Foundation
import SlipwayModel
import Testing
import WorkflowFile

@Suite("Mirrors in a workflow file")
struct MirrorProblemTests {
  private let bundle = Bundle()

  init() throws {
    for name in ["in/deep", "other"] { try bundle.makeDirectory(name) }
  }

  private func heads(_ lines: String, watch: String = "in") -> [String] {
    bundle.heads(bundle.load(workflow(lines, watch: watch))).map {
      $0.replacingOccurrences(of: "workflows.yaml:", with: "")
    }
  }

  private func rule(_ text: String) -> MirrorRule? {
    bundle.load(workflow("mirror: \(text)\ndestinations: [out]")).configuration?.workflows.first?.intake.mirrorRule
  }

  @Test("What it may say, and what stands where it says nothing")
  func keys() {
    #expect(rule("{}") == MirrorRule(deletes: false, deleteLimit: nil, settleTime: .seconds(2)))
    #expect(rule("{ delete: false, settle: 500ms }") == MirrorRule(settleTime: .milliseconds(500)))
    #expect(rule("{ delete: true, max_delete: 10% }") == MirrorRule(deletes: true, deleteLimit: .percent(10)))
    #expect(rule("{ delete: true, max_delete: 0 }") == MirrorRule(deletes: true, deleteLimit: .count(0)))
    #expect(rule("{ delete: true, max_delete: 25000 }") == MirrorRule(deletes: true, deleteLimit: .count(25000)))
  }

  @Test("A share is rounded down")
  func share() {
    #expect(MirrorRule.DeleteLimit.percent(10).allowance(of: 19) == 1)
    #expect(MirrorRule.DeleteLimit.percent(10).allowance(of: 9) == 0)
    #expect(MirrorRule.DeleteLimit.percent(100).allowance(of: 7) == 7)
    #expect(MirrorRule.DeleteLimit.percent(33).allowance(of: 1_000_000) == 330_000)
    #expect(MirrorRule.DeleteLimit.percent(100).allowance(of: .max) == .max)
    #expect(MirrorRule.DeleteLimit.count(3).allowance(of: 1) == 3)
  }

  @Test(
    "What is wrong with it is told where it stands",
    arguments: [
      ("mirror: { deletes: true }", ["6:15: error: unknown key 'deletes'; did you mean 'delete'?"]),
      ("mirror: { delete: yes }", ["6:23: error: expected true or false, found 'yes'"]),
      ("mirror: { max_delete: 10% }", ["6:15: error: 'max_delete' needs 'delete: true'"]),
      (
        "mirror: { delete: true, max_delete: 101% }",
        ["6:41: error: expected a number of objects, or a share of them, as in 10%, found '101%'"]
      ),
      (
        "mirror: { delete: true, max_delete: -1 }",
        ["6:41: error: expected a number of objects, or a share of them, as in 10%, found '-1'"]
      ),
      ("mirror: { settle: 5 }", nil),
      (
        "mirror: {}\nready: closed",
        ["6:5: error: 'mirror' cannot stand beside 'ready': a workflow has one intake"]
      ),
      (
        "mirror: {}\ntarget_prefix: 'x/{date:%Y}'",
        ["7:20: error: a mirror's objects lie at one place: {date} cannot stand in its target_prefix"]
      ),
      (
        "mirror: {}\ntarget_prefix: '{run}/{tree}'",
        [
          "7:20: error: a mirror's objects lie at one place: {run} cannot stand in its target_prefix",
          "7:20: error: a mirror's objects lie at one place: {tree} cannot stand in its target_prefix",
        ]
      ),
      ("mirror: {}\nafter: delete", ["7:12: error: a mirror keeps its files: 'after' may only be keep"]),
      (
        "mirror: {}\ncommit: manifest",
        ["7:13: error: 'commit: manifest' is for trees that are delivered once, not for a mirror"]
      ),
      (
        "mirror: {}\nsource_prefix: in/deep",
        [
          "7:20: warning: the watched directory '$D/in' does not lie under source_prefix '$D/in/deep', which strips "
            + "nothing from its paths",
          "7:20: error: '$D/in/deep' lies below the watched directory '$D/in': of a mirror every key begins alike",
        ]
      ),
      ("mirror: {}\ntarget_prefix: 'www/{workflow}/{host}'", []),
    ] as [(String, [String]?)])
  func problems(_ lines: String, _ expected: [String]?) {
    let told = heads(lines + "\ndestinations: [out]")
    if let expected { #expect(told == expected) } else { #expect(told.count == 1) }
  }

  private func two(_ first: String, _ second: String) -> [String] {
    bundle.heads(
      bundle.load(
        """
        version: 1
        destinations:
          out: { type: directory, path: delivered }
          same: { type: directory, path: delivered, prefix: sub }
          below: { type: directory, path: delivered/sub }
          around: { type: directory, path: . }
          bucket: { type: s3, bucket: bucket, region: r }
        workflows:
          a: { watch: in, \(first) }
          b: { watch: other, \(second) }
        """)
    ).map { $0.replacingOccurrences(of: "workflows.yaml:", with: "") }
  }

  @Test("Nobody else goes to where a mirror is, as far as the file shows it")
  func places() {
    let clash =
      "10:49: error: the workflows 'a' and 'b' both store to '$D/delivered/x', where a mirror takes what is not "
      + "its own for gone; give each a target_prefix of its own"
    let mirror = "mirror: {}, destinations: "
    #expect(two(mirror + "[out], target_prefix: x", mirror + "[out], target_prefix: x") == [clash])
    #expect(two(mirror + "[out], target_prefix: x", mirror + "[bucket], target_prefix: x") == [])
    #expect(two(mirror + "[out], target_prefix: x", mirror + "[out], target_prefix: xy") == [])
    #expect(two(mirror + "[out], target_prefix: sub/y", mirror + "[same], target_prefix: y").count == 1)
    #expect(two(mirror + "[out]", mirror + "[out], target_prefix: below").count == 1)
    #expect(
      two(mirror + "[out], target_prefix: x", "ready: closed, destinations: [out], target_prefix: x/y").count == 1)
    #expect(two("ready: closed, destinations: [out]", mirror + "[out], target_prefix: x") == [])
    #expect(two(mirror + "[out, same]", "ready: closed, destinations: [bucket]").count == 1)
    #expect(
      two(mirror + "[bucket], target_prefix: x", mirror + "[bucket], target_prefix: x") == [
        clash.replacingOccurrences(of: "'$D/delivered/x'", with: "'x' of one destination")
      ])
  }

  @Test("A directory within another one is a part of it, whichever destination names it")
  func nestedDirectories() {
    let (mirror, other) = ("mirror: {}, destinations: ", "ready: closed, destinations: ")
    #expect(two(mirror + "[out]", other + "[below]").count == 1)
    #expect(two(other + "[below]", mirror + "[out]").count == 1)
    #expect(two(mirror + "[same]", other + "[below]").count == 1)
    #expect(two(mirror + "[out], target_prefix: sub", mirror + "[below]").count == 1)
    #expect(two(mirror + "[out]", mirror + "[around]").count == 1)
    #expect(two(mirror + "[out], target_prefix: x", other + "[below]") == [])
    #expect(two(mirror + "[out]", other + "[around], target_prefix: deliver") == [])
  }

  @Test("Nobody else goes below a mirror, whatever the rest of his keys")
  func placesOfTemplates() {
    let other = "ready: closed, destinations: [out], target_prefix: "
    for (prefix, theirs, count) in [
      ("www", "'www/{date:%Y}'", 1), ("www", "'www/x/{date:%Y}'", 1), ("www", "'www{date:%Y}'", 0),
      ("www", "'{date:%Y}/www'", 0), ("www", "'w/{run}'", 0), ("''", "'{date:%Y}'", 1), ("''", "'logs/{tree}'", 1),
      ("b", "'{workflow}'", 1), ("www/b", "'www/{workflow}/{run}'", 1), ("www/a", "'www/{workflow}/{run}'", 0),
    ] {
      let told = two("mirror: {}, destinations: [out], target_prefix: \(prefix)", other + theirs)
      #expect(told.count == count, "\(prefix) and \(theirs): \(told)")
    }
    #expect(two(other + "'www/{date:%Y}'", "mirror: {}, destinations: [out], target_prefix: www").count == 1)
  }

  @Test("What may not be replaced is told beside a mirror")
  func overwrite() {
    let told = bundle.heads(
      bundle.load(
        """
        version: 1
        destinations:
          kept: { type: s3, bucket: bucket, region: r, overwrite: never }
          other: { type: s3, bucket: other, region: r, overwrite: different }
        workflows:
          w: { watch: in, mirror: {}, destinations: [other, kept] }
        """))
    #expect(
      told == [
        "workflows.yaml:6:53: warning: with 'overwrite: never' of 'kept' a file that has changed is an error of each run "
          + "of the mirror, and nothing is deleted then"
      ])
  }

  @Test("Several directories of one mirror need keys of their own")
  func directories() {
    #expect(heads("mirror: {}\ndestinations: [out]", watch: "[in, other]").count == 1)
    let prefix = "source_prefix: .\n"
    #expect(heads(prefix + "mirror: {}\ndestinations: [out]", watch: "[in, other]") == [])
  }
}
