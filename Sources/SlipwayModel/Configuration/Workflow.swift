/// One entry of `workflows:`.
public struct Workflow: Sendable, Hashable {
  public var name: WorkflowName
  public var location: SourceLocation
  /// Absolute, normalized, in the order of the file.
  public var watch: [WatchDirectory]
  public var intake: Intake
  /// A file is taken if any matches; empty takes every file.
  public var filter: [FilterRule]
  /// Wins over `filter`.
  public var exclude: [FilterRule]
  /// Absolute and normalized; nil strips the watched directory.
  public var sourcePrefix: BytePath?
  public var targetPrefix: Template
  public var destinations: [DestinationName]
  public var hooks: Hooks
  public var after: After
  public var retry: RetryPolicy
  public var commit: Commit
  public var symlinks: SymlinkPolicy
  public var stop: StopRule?
  /// A file written once the watches are live.
  public var started: BytePath?
  /// What the name of a file has in place of an extension that gives the tags of others: `.metadata`; nil for none.
  public var sidecar: BytePath?
  /// Whether a tree may say of itself how it is uploaded.
  public var readsTreeSettings: Bool
  /// Whether it only tells what it would do.
  public var isDryRun: Bool
  public var tests: [WorkflowTest]

  public init(
    name: WorkflowName, location: SourceLocation, watch: [WatchDirectory], intake: Intake, filter: [FilterRule] = [],
    exclude: [FilterRule] = [], sourcePrefix: BytePath? = nil, targetPrefix: Template = Template(),
    destinations: [DestinationName], hooks: Hooks = Hooks(), after: After = After(), retry: RetryPolicy = RetryPolicy(),
    commit: Commit = .none, symlinks: SymlinkPolicy = .skip, stop: StopRule? = nil, started: BytePath? = nil,
    sidecar: BytePath? = nil, readsTreeSettings: Bool = false, isDryRun: Bool = false, tests: [WorkflowTest] = []
  ) {
    self.name = name
    self.location = location
    self.watch = watch
    self.intake = intake
    self.filter = filter
    self.exclude = exclude
    self.sourcePrefix = sourcePrefix
    self.targetPrefix = targetPrefix
    self.destinations = destinations
    self.hooks = hooks
    self.after = after
    self.retry = retry
    self.commit = commit
    self.symlinks = symlinks
    self.stop = stop
    self.started = started
    self.sidecar = sidecar
    self.readsTreeSettings = readsTreeSettings
    self.isDryRun = isDryRun
    self.tests = tests
  }
}

public struct WatchDirectory: Sendable, Hashable {
  public let path: BytePath
  public let location: SourceLocation

  public init(path: BytePath, location: SourceLocation) {
    self.path = path
    self.location = location
  }
}

/// How a workflow comes by trees.
public enum Intake: Sendable, Hashable {
  /// A directory is a tree when a regular file of this name lies in it.
  case marker(BytePath)
  /// Each regular file below a watched directory is a tree, ready once nobody has it open for writing.
  case closed
  /// Each entry of a watched directory, a directory or a file, is a tree, ready once nothing has changed in it for so
  /// long and nobody has a file of it open for writing.
  case settled(Duration)
  /// Each regular file in the watched directory itself is a tree, claimed by renaming it into this directory (absolute),
  /// where it is worked on. What becomes of it then is `Workflow.after`. So many files share a start of each hook; nil: each
  /// has its own.
  case queue(working: BytePath, batch: Int? = nil)
  /// Each watched directory is one tree, and its objects are kept like it.
  case mirror(MirrorRule)
}

extension Intake {
  /// The name of the file that makes a directory a tree; nil where the fingerprints of a tree take its place.
  public var markerName: BytePath? {
    switch self {
    case .marker(let name): name
    case .closed, .settled, .queue, .mirror: nil
    }
  }

  /// Whether each tree is one file.
  public var takesFiles: Bool {
    switch self {
    case .closed, .queue: true
    case .marker, .settled, .mirror: false
    }
  }

  /// Where files are worked on that several processes share; nil where trees stay where they are.
  public var workingDirectory: BytePath? {
    if case .queue(let working, _) = self { working } else { nil }
  }

  /// How many trees at most share a start of each hook; nil where each has its own.
  public var hookBatch: Int? {
    if case .queue(_, let batch) = self { batch } else { nil }
  }

  /// nil where the intake is another one.
  public var mirrorRule: MirrorRule? {
    if case .mirror(let rule) = self { rule } else { nil }
  }
}

/// One regular expression of `filter` or `exclude`, as it was written.
public struct FilterRule: Sendable, Hashable {
  public let pattern: String
  public let location: SourceLocation

  public init(pattern: String, location: SourceLocation) {
    self.pattern = pattern
    self.location = location
  }
}

/// What becomes of the source once a run is over.
public struct After: Sendable, Hashable {
  public enum Disposal: Sendable, Hashable {
    case keep
    case delete
    /// To a directory (absolute) on the same file system.
    case move(BytePath)
    /// Back into the watched directory, after a wait; only of a file of a queue.
    case resubmit
  }

  public var success: Disposal
  public var failure: Disposal

  public init(success: Disposal = .keep, failure: Disposal = .keep) {
    self.success = success
    self.failure = failure
  }
}

/// What tells readers at a destination that a tree is there, all of it.
public enum Commit: String, Sendable, Hashable, CaseIterable {
  case none
  /// The run's manifest, sent last.
  case manifest
}

/// What ends a workflow's intake.
public enum StopRule: Sendable, Hashable {
  /// `marker` lets finish what was ready before it; `abort` takes no further tree.
  case markers(complete: BytePath?, abort: BytePath?)
  /// So many trees in this process, whatever their end.
  case count(Int)
}

/// One entry of `tests:`, run by `slipway validate`.
public struct WorkflowTest: Sendable, Hashable {
  public enum Expectation: Sendable, Hashable {
    /// The key without a destination's prefix; templates in it are evaluated as the workflow's are.
    case key(Template)
    case skip(SkipReason.Name)
  }

  /// Relative to the watched directory.
  public let path: BytePath
  public let expectation: Expectation
  public let location: SourceLocation

  public init(path: BytePath, expectation: Expectation, location: SourceLocation) {
    self.path = path
    self.expectation = expectation
    self.location = location
  }
}
