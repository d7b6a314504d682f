import SlipwayModel

/// A workflow file made of another tool's configuration, as all of them are written.
struct ConvertedFile {
  /// What it was made of; escaped.
  let origin: String
  /// Those of the environment in which its keys are looked for.
  var variables: [String] = []
  /// What else there is to say at its head, a line each.
  var comments: [String] = []
  /// What is not taken over, and why; escaped, a line each.
  var notes: [String] = []
  var destinations: [String] = []
  var workflow: [String] = []

  var text: String {
    (head + ["version: 1", "", "destinations:"] + destinations + ["", "workflows:"] + workflow)
      .joined(separator: "\n")
  }

  private var head: [String] {
    var lines = ["# From \(origin). Check it: slipway validate"]
    if !variables.isEmpty {
      lines.append("# The keys are not written here. Set \(variables.joined(separator: ", ")).")
    }
    lines += comments.map { "# \($0)" }
    if !notes.isEmpty { lines += ["# Not taken over:"] + notes.map { "#   \($0)" } }
    return lines
  }

  /// A bucket's own name where that can be a destination's.
  static func destinationName(of bucket: String) -> String { WorkflowName.isValid(bucket) ? bucket : "bucket" }
}

extension OutputOptions {
  /// Prints what `make` gives, and tells what it leaves out.
  func convert(_ make: () throws(ConversionProblem) -> ConvertedFile) throws {
    do throws(ConversionProblem) {
      let file = try make()
      print(file.text)
      if quiet { return }
      for note in file.notes { StandardError.shared.write("slipway: warning: \(note)") }
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw error.isUsage ? Exit.usage : Exit.configuration
    }
  }
}
