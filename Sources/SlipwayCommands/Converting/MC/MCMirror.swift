import SlipwayModel

/// The workflow file that does what a command line of `mc mirror` did.
struct MCMirror {
  private let source: String
  private let operands: [String]
  private let target: MCTarget
  private let options: MCOptions

  init(_ words: [String], environment: [String: String]) throws(ConversionProblem) {
    let arguments = try MCArguments(words)
    operands = arguments.operands
    guard operands.count == 2 else {
      throw ConversionProblem(
        message: "mc mirror takes SOURCE and TARGET, and here \(operands.count == 1 ? "is" : "are") \(operands.count)",
        isUsage: true)
    }
    let aliases = try MCAliases(
      directory: arguments.value(.configuration), program: arguments.program, environment: environment)
    try MCTarget.checkSource(operands[0], aliases)
    target = try MCTarget(operands[1], aliases)
    options = try MCOptions(arguments.given, target: operands[1])
    // The file may come to lie anywhere, and its paths would be relative to it.
    source = String(decoding: BytePath(absolutizing: operands[0]).bytes, as: UTF8.self)
  }

  var file: ConvertedFile {
    ConvertedFile(
      origin: "mc mirror \(operands.map { escaped($0.utf8) }.joined(separator: " "))",
      variables: target.keys?.variables ?? [], comments: comments, notes: notes, destinations: destination,
      workflow: workflow)
  }

  private var comments: [String] {
    var lines: [String] = []
    if case .bucket(let alias, _, _) = target.place, alias.hasKeys { lines.append("They are \(alias.place).") }
    lines.append(options.isWatching ? "It watches: slipway run" : "Without --watch it is done once: slipway run --once")
    if !options.needless.isEmpty { lines += ["Needs no key:"] + options.needless.map { "  \($0)" } }
    return lines
  }

  private var notes: [String] {
    var notes = options.notes + target.notes
    if case .directory = target.place {
      notes += options.bucketLines.map { "\($0.flag): TARGET is a directory, which has no such key" }
      if leavesAlone {
        notes.append("without --overwrite mc leaves alone what is there; here what differs is replaced")
      }
    } else if leavesAlone {
      notes.append(
        "without --overwrite mc leaves alone what is there and differs, and goes on; with overwrite: never it stays, too, "
          + "but is an error, and the run fails; 'slipway check' tells whether the server keeps to it")
    }
    if options.isWatching, !options.deletes {
      notes.append(
        "without --remove newer releases of mc delete the object of a file that they see go; here nothing is deleted "
          + "without 'delete: true'")
    }
    return notes
  }

  /// mc that watches overwrites, whatever the flags say.
  private var leavesAlone: Bool { !options.overwrites && !options.isWatching }

  private var destination: [String] {
    var lines = ["  \(target.destinationName):"] + target.lines(region: options.region)
    if case .directory = target.place { return lines }
    if leavesAlone {
      lines.append("    overwrite: never  # what is there and differs stays: an error; --overwrite replaces it")
    }
    return lines + options.bucketLines.flatMap(\.lines)
  }

  private var workflow: [String] {
    var lines = ["  mirror:", "    watch: \(YAMLText.quoted(source))"]
    lines.append(
      options.deletes
        ? "    mirror: { delete: true }  # max_delete: 10% lets no single run delete more"
        : "    mirror: { delete: false }")
    if !options.exclude.isEmpty {
      lines += ["    exclude:"] + options.exclude.map { "      - \(YAMLText.quoted($0))" }
    }
    if options.isDryRun { lines.append("    dry_run: true") }
    return lines + ["    destinations: [\(target.destinationName)]"]
  }
}
