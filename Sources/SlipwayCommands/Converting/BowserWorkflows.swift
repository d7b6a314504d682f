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
  private let notes: [String]

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

  var file: ConvertedFile {
    ConvertedFile(
      origin: files.map { escaped($0.utf8) }.joined(separator: ", "),
      variables: (1...configuration.backendCount).flatMap { keys(of: $0).variables }, notes: notes,
      destinations: names.indices.flatMap(destination), workflow: workflow)
  }

  private func keys(of backend: Int) -> KeyReferences {
    KeyReferences(prefix: configuration.backendCount == 1 ? "BOWSER" : "BOWSER_\(backend)")
  }

  /// One for each bucket: its own name where that can be a destination's and is not taken.
  private var names: [String] {
    var names: [String] = []
    for bucket in configuration.buckets {
      let own = ConvertedFile.destinationName(of: bucket.name)
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
    return lines + keys(of: bucket.backend).lines
  }

  private var workflow: [String] {
    var lines = ["  bowser:"]
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
