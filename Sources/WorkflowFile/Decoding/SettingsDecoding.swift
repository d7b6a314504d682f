import SlipwayModel

enum SettingsKey: String, CaseIterable {
  case stateDirectory = "state_dir"
  case transfers
  case bandwidth
  case trees
  case rescan
  case poll
  case drain
  case grace
  case keep
}

/// The bounds of `settings:`.
enum SettingsLimits {
  static let transfers = 1...1024
  /// Bytes a second; below, not even an answer of some length would come through.
  static let bandwidth: ClosedRange<Int64> = (1 << 10)...(1 << 40)
  static let trees = 1...1024
  static let rescan: ClosedRange<Duration> = .seconds(1) ... .seconds(30 * 86_400)
  static let poll: ClosedRange<Duration> = .seconds(1) ... .seconds(3_600)
  static let drain: ClosedRange<Duration> = .zero ... .seconds(86_400)
  static let grace: ClosedRange<Duration> = .zero ... .seconds(3_600)
  /// Whoever follows a run looks at it every second.
  static let keep: ClosedRange<Duration> = .seconds(60) ... .seconds(3_650 * 86_400)
}

extension Settings {
  /// What is missing or wrong keeps its default.
  init(decoding node: Node, named mark: Mark, _ context: DecodingContext) {
    self.init()
    guard let reader = MappingReader<SettingsKey>(node, named: mark, context) else { return }
    stateDirectory = reader[.stateDirectory].flatMap(context.path)
    if let number = reader[.transfers].flatMap({ context.integer($0, in: SettingsLimits.transfers) }) {
      transfers = number
    }
    bandwidth = reader[.bandwidth].flatMap { context.rate($0, in: SettingsLimits.bandwidth) }
    if let number = reader[.trees].flatMap({ context.integer($0, in: SettingsLimits.trees) }) { trees = number }
    if let time = reader[.rescan].flatMap({ context.duration($0, in: SettingsLimits.rescan) }) { rescan = time }
    if let time = reader[.poll].flatMap({ context.duration($0, in: SettingsLimits.poll) }) { poll = time }
    if let time = reader[.drain].flatMap({ context.duration($0, in: SettingsLimits.drain) }) { drain = time }
    if let time = reader[.keep].flatMap({ context.duration($0, in: SettingsLimits.keep) }) { keep = time }
    if let time = reader[.grace].flatMap({ context.duration($0, in: SettingsLimits.grace) }) { grace = time }
  }
}
