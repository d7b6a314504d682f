import SlipwayModel

/// A compiler whose patterns are plain text, searched for; `!` in front makes one that exceeds its limit on every
/// name, and the empty pattern does not compile.
struct SubstringCompiler: PatternCompiler {
  struct Substring: Pattern {
    let bytes: [UInt8]

    func matches(_ name: [UInt8]) throws(Failure) -> Bool {
      if bytes.first == UInt8(ascii: "!") {
        throw Failure(.permanent, "match", BytePath(name).description, cause: "the pattern exceeds its limit")
      }
      return name.indices.contains { name[$0...].starts(with: bytes) }
    }
  }

  func compile(_ pattern: String) throws(PatternProblem) -> any Pattern {
    if pattern.isEmpty { throw PatternProblem(pattern: pattern, offset: 0, message: "empty") }
    return Substring(bytes: Array(pattern.utf8))
  }
}

/// Numbers that look random and are the same in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

let somewhere = SourceLocation(file: "workflows.yaml", line: 12, column: 5)

func rule(_ pattern: String) -> FilterRule { FilterRule(pattern: pattern, location: somewhere) }

func workflow(
  filter: [String] = [], exclude: [String] = [], marker: String = ".ready", stop: StopRule? = nil
) -> Workflow {
  Workflow(
    name: WorkflowName("nightly"), location: somewhere,
    watch: [WatchDirectory(path: BytePath("/srv/out"), location: somewhere)], intake: .marker(BytePath(marker)),
    filter: filter.map(rule), exclude: exclude.map(rule), destinations: [DestinationName("artifacts")], stop: stop)
}

func fingerprint(_ inode: UInt64 = 1, device: UInt64 = 1, size: Int64 = 3, modified: Int64 = 5) -> Fingerprint {
  Fingerprint(device: device, inode: inode, size: size, modified: modified, changed: modified)
}
