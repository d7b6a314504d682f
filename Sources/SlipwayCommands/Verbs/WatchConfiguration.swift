import ArgumentParser
import Checksums
import Glibc
import PatternMatching
import SlipwayModel
import WorkflowFile

/// What the flags of `watch` say, as the configuration that a file would give.
struct WatchConfiguration {
  private let verb: WatchVerb
  private static let location = SourceLocation(file: "command line", line: 1, column: 1)
  private static let name = "watch"

  init(_ verb: WatchVerb) {
    self.verb = verb
  }

  func configuration() throws -> Configuration {
    let directory = absolute(verb.directory)
    var status = stat()
    guard stat(verb.directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw ValidationError("\(directory) is not a directory.")
    }
    var settings = Settings()
    settings.stateDirectory = try stateDirectory(for: directory)
    let destination = try self.destination()
    if case .directory(let path) = destination.kind, path.isWithin(directory) {
      throw ValidationError("--to \(path) lies in the watched directory \(directory).")
    }
    return Configuration(
      settings: settings, destinations: [destination.name: destination], workflows: [try workflow(directory)])
  }

  private func workflow(_ directory: BytePath) throws -> Workflow {
    Workflow(
      name: WorkflowName(Self.name), location: Self.location,
      watch: [WatchDirectory(path: directory, location: Self.location)], intake: .marker(try marker()),
      filter: try verb.filter.map(rule), sourcePrefix: verb.sourcePrefix.map(absolute),
      targetPrefix: try targetPrefix(),
      destinations: [DestinationName("to")], stop: stop)
  }

  private func rule(_ pattern: String) throws -> FilterRule {
    do throws(PatternProblem) {
      _ = try PCRE2Compiler().compile(pattern)
    } catch {
      throw ValidationError(
        "--filter: bad regular expression at offset \(error.offset): \(escaped(error.message.utf8)).")
    }
    return FilterRule(pattern: pattern, location: Self.location)
  }

  private func targetPrefix() throws -> Template {
    let target: Template
    do throws(TemplateProblem) {
      target = try Template(parsing: verb.targetPrefix ?? "")
    } catch {
      throw ValidationError("--target-prefix: \(error.message).")
    }
    for name in target.environmentNames where ProcessEnvironment.bytes[name] == nil {
      throw ValidationError("--target-prefix: the environment variable '\(escaped(name.utf8))' is not set.")
    }
    // What a run fixes at its start are plain names.
    let values = Template.Values(
      workflow: WorkflowName(Self.name), tree: BytePath("tree"), run: RunID("run"),
      date: CalendarDate(Timestamp(seconds: 0)), environment: ProcessEnvironment.bytes, host: "host")
    let prefix = trimmingSlashes(target.evaluated(with: values))
    if !prefix.isEmpty, let problem = KeyMapping.problem(with: ObjectKey(prefix)) {
      throw ValidationError("--target-prefix: \(problem).")
    }
    return target
  }

  private func marker() throws -> BytePath {
    let marker = BytePath(verb.marker)
    guard marker.components.count == 1, marker.name == marker, marker != .here, verb.marker != ".." else {
      throw ValidationError("--marker '\(escaped(marker.bytes))' is not the name of a file.")
    }
    return marker
  }

  private var stop: StopRule? {
    switch verb.strategy {
    case .none: nil
    case .sentinel: .markers(complete: BytePath(".complete"), abort: BytePath(".abort"))
    case .count: .count(verb.count ?? 1)
    }
  }

  private func destination() throws -> Destination {
    let scheme = "s3://"
    guard verb.to.hasPrefix(scheme) else {
      if verb.to.contains("://") { throw ValidationError("--to '\(verb.to)': only s3:// and directories are known.") }
      return Destination(
        name: DestinationName("to"), location: Self.location, prefix: [], kind: .directory(absolute(verb.to)))
    }
    let parts = verb.to.dropFirst(scheme.count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let bucket = parts.first, !bucket.isEmpty else { throw ValidationError("--to '\(verb.to)' names no bucket.") }
    return Destination(
      name: DestinationName("to"), location: Self.location,
      prefix: trimmingSlashes(parts.count > 1 ? Array(parts[1].utf8) : []),
      kind: .s3(S3Destination(bucket: String(bucket))))
  }

  private func absolute(_ path: String) -> BytePath {
    BytePath(absolutizing: path)
  }

  /// By default a directory of its own beside the service's, so that the two never meet.
  private func stateDirectory(for directory: BytePath) throws -> BytePath {
    let hash = hexadecimal(try MessageDigest.of(directory.bytes, by: .sha256).prefix(8))
    let state = verb.stateDir.map(absolute) ?? Assembly.defaultStateDirectory.appending("watch-\(hash)")
    if LocalInspection.resolved(state).isWithin(LocalInspection.resolved(directory)) {
      throw ValidationError(
        "the state directory \(state) lies in the watched directory \(directory): name one outside with --state-dir.")
    }
    return state
  }
}

extension BytePath {
  /// `path` as the user typed it, from the working directory.
  init(absolutizing path: String) {
    let path = BytePath(path)
    self = (path.isAbsolute ? path : Self.workingDirectory.appending(path)).normalized
  }

  /// The directory in which the process was started.
  static var workingDirectory: BytePath {
    guard let text = getcwd(nil, 0) else { return BytePath("/") }
    defer { free(text) }
    return BytePath(Array(UnsafeBufferPointer(start: text, count: strlen(text))).map { UInt8(bitPattern: $0) })
  }
}
