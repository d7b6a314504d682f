import SlipwayModel
import Testing

@Suite("What pre hooks say")
struct HookOutputTests {
  @Test("Tags, metadata and a prefix are taken, and a later line wins")
  func taken() throws {
    let output = try HookOutput(parsing: Array("tag.a=1\n\ntag.a=2\nmetadata.Team=ci\ntarget_prefix=/v1/\n".utf8))
    #expect(output.tags == ["a": "2"])
    #expect(output.metadata == ["team": "ci"])
    #expect(output.targetPrefix == Array("v1".utf8))
  }

  @Test(
    "What S3 would refuse, and what is Slipway's own, is told with its line",
    arguments: [
      ("tag.aws:x=1", "the name of a tag does not begin with 'aws:': 'aws:x'"),
      (
        "tag.\(String(repeating: "n", count: 129))=1",
        "the name of a tag has at most 128 characters: '\(String(repeating: "n", count: 129))'"
      ),
      ("tag.a=\(String(repeating: "v", count: 257))", "the value of a tag has at most 256 characters: 'a'"),
      ("tag.a\tb=1", #"a tag has no control characters: 'a\tb'"#),
      ("metadata.Slipway-Token=x", "this name of metadata is Slipway's own: 'Slipway-Token'"),
      (
        "metadata.commit= ",
        "the value of metadata has only printable ASCII characters, none of them a space at an end: 'commit'"
      ),
      (
        "metadata.author=é",
        "the value of metadata has only printable ASCII characters, none of them a space at an end: 'author'"
      ),
    ])
  func refused(line: String, message: String) {
    let problem = #expect(throws: HookOutputProblem.self) {
      try HookOutput(parsing: Array("tag.good=1\n\(line)\n".utf8))
    }
    #expect(problem?.line == 2)
    #expect(problem?.message == message)
  }
}
