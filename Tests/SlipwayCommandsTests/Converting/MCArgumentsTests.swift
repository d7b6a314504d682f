import Testing

@testable import SlipwayCommands

@Suite("mc's command line")
struct MCArgumentsTests {
  private func given(_ line: String) throws -> [String] {
    try MCArguments(line.split(separator: " ").map(String.init)).given.map {
      $0.value.isEmpty ? $0.name : "\($0.name) \($0.value)"
    }
  }

  @Test(
    "A flag has one dash or two, its value behind it or as the next word, before or behind the operands",
    arguments: [
      ("mirror --watch -w -watch a b", ["--watch", "-w", "-watch"]),
      ("mirror --exclude x --exclude=y -exclude z a b", ["--exclude x", "--exclude y", "-exclude z"]),
      ("mirror a b --remove --region eu", ["--remove", "--region eu"]),
      ("mirror --watch=false --remove=true --overwrite=1 a b", ["--remove", "--overwrite"]),
      ("--json -C /etc/mc mirror --attr a=b=c a b", ["--json", "-C /etc/mc", "--attr a=b=c"]),
      ("mirror --exclude --watch a b", ["--exclude --watch"]),
      ("mirror -- --watch b", []),
    ])
  func flags(_ line: String, _ expected: [String]) throws {
    let flags = try given(line)
    #expect(flags == expected)
  }

  @Test("mc may stand in front, under the name by which it is installed")
  func program() throws {
    let words = [["mirror", "a", "b"], ["mc", "mirror", "a", "b"], ["/usr/bin/mcli", "mirror", "a", "b"]]
    let read = try words.map { try MCArguments($0) }
    #expect(read.map(\.program) == ["mc", "mc", "mcli"])
    #expect(read.allSatisfy { $0.operands == ["a", "b"] })
  }

  @Test(
    "What mc would not take is told, with the flag that was probably meant, and never with a value",
    arguments: [
      ("mirror --exlude=secret a b", "mc mirror has no flag --exlude; did you mean --exclude?"),
      ("mirror --secretive a b", "mc mirror has no flag --secretive"),
      ("mirror -x a b", "mc mirror has no flag -x"),
      ("mirror a b --region", "--region needs a value"),
      ("mirror --watch=secret a b", "--watch takes no value but true and false"),
      ("cp a b", "mc's 'cp' is not converted, only 'mirror' is"),
      ("", "there is no command; what is converted is: mc mirror [FLAGS] SOURCE TARGET"),
    ])
  func refused(_ line: String, _ told: String) {
    #expect(throws: ConversionProblem(message: told, isUsage: true)) { try given(line) }
  }

  @Test("No name is two flags', and of a flag given twice the last counts")
  func names() throws {
    let names = MCFlag.all.flatMap { $0.names }
    #expect(Set(names).count == names.count)
    let arguments = try MCArguments(["-C", "a", "mirror", "--config-dir", "b", "x", "y"])
    #expect(arguments.value(.configuration) == "b" && arguments.value(.region) == nil)
  }
}
