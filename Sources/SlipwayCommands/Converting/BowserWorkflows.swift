import SlipwayModel

/// The workflow file that does what bowser did by its configuration.
struct BowserWorkflows {
  /// What ends bowser's watch.
  enum Strategy {
    case sentinel
    case count(Int)
  }

  private let configuration: BowserConfiguration
  private let files: [String]
  private let watch: String
  private let strategy: Strategy
  private let exclude: [String]
  /// What is not taken over, and why; escaped, a line each.
  let notes: [String]

  init(_ configuration: BowserConfiguration, from files: [String], watch: String, strategy: Strategy) {
    self.configuration = configuration
    (self.files, self.watch, self.strategy) = (files, watch, strategy)
    // Every file whose name begins so is bowser's own.
    var exclude = [#"(^|/)\.bowser[^/]*$"#]
    var notes = configuration.notes
    for pattern in configuration.ignored {
      switch IgnorePattern(pattern) {
      case .regex(let regex): exclude.append(regex)
      case .nothing: break
      case .negation: notes.append("bowser.ignore: '\(escaped(pattern.utf8))' takes files back, which exclude cannot")
      }
    }
    if case .count = strategy { notes.append(".bowser.abort: beside a count there is no marker that ends the intake") }
    self.exclude = exclude
    self.notes = notes
  }

  var text: String {
    (head + ["version: 1", "", "destinations:"] + names.indices.flatMap(destination) + [""] + workflow)
      .joined(separator: "\n")
  }

  private var head: [String] {
    var lines = ["# From \(files.map { escaped($0.utf8) }.joined(separator: ", ")). Check it: slipway validate"]
    lines.append("# The keys are not written here. Set \(variables.joined(separator: ", ")).")
    if !notes.isEmpty { lines += ["# Not taken over:"] + notes.map { "#   \($0)" } }
    return lines
  }

  private var variables: [String] {
    (1...configuration.backendCount).flatMap { [variable("ACCESS_KEY_ID", $0), variable("SECRET_ACCESS_KEY", $0)] }
  }

  private func variable(_ name: String, _ backend: Int) -> String {
    configuration.backendCount == 1 ? "BOWSER_\(name)" : "BOWSER_\(backend)_\(name)"
  }

  /// One for each bucket: its own name where that can be a destination's and is not taken.
  private var names: [String] {
    var names: [String] = []
    for bucket in configuration.buckets {
      let own = WorkflowName.isValid(bucket.name) ? bucket.name : "bucket"
      var (name, number) = (own, 1)
      while names.contains(name) {
        number += 1
        name = "\(own.prefix(58))-\(number)"
      }
      names.append(name)
    }
    return names
  }

  private func destination(_ index: Int) -> [String] {
    let bucket = configuration.buckets[index]
    var lines = ["  \(names[index]):", "    type: s3", "    bucket: \(YAMLText.quoted(bucket.name))"]
    let prefix = trimmingSlashes(Array(bucket.prefix.utf8))
    if !prefix.isEmpty { lines.append("    prefix: \(YAMLText.quoted(String(decoding: prefix, as: UTF8.self)))") }
    if let region = bucket.region { lines.append("    region: \(YAMLText.quoted(region))") }
    lines.append("    credentials:")
    lines.append("      access_key_id: ${\(variable("ACCESS_KEY_ID", bucket.backend))}")
    lines.append("      secret_access_key: ${\(variable("SECRET_ACCESS_KEY", bucket.backend))}")
    return lines
  }

  private var workflow: [String] {
    var lines = ["workflows:", "  bowser:"]
    lines.append("    watch: \(YAMLText.quoted(watch))  # DIR of 'bowser watch DIR'")
    lines.append("    ready: { marker: .bowser.ready }")
    switch strategy {
    case .sentinel: lines.append("    stop: { marker: .bowser.complete, abort: .bowser.abort }")
    case .count(let count): lines.append("    stop: { count: \(count) }")
    }
    lines.append("    started: /tmp/.bowser.started")
    lines.append("    sidecar: .metadata  # x.metadata gives the tags of x.*; a file without an extension has none")
    lines.append("    exclude:")
    lines += exclude.map { "      - \(YAMLText.quoted($0))" }
    if configuration.isDryRun { lines.append("    dry_run: true") }
    lines.append("    destinations: [\(names.joined(separator: ", "))]")
    return lines
  }
}
