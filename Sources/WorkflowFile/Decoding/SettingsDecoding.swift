import SlipwayModel

enum SettingsKey: String, CaseIterable {
  case stateDirectory = "state_dir"
  case transfers
  case trees
  case drain
  case grace
}

/// The bounds of `settings:`.
enum SettingsLimits {
  static let transfers = 1...1024
  static let trees = 1...1024
  static let drain: ClosedRange<Duration> = .zero ... .seconds(86_400)
  static let grace: ClosedRange<Duration> = .zero ... .seconds(3_600)
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
    if let number = reader[.trees].flatMap({ context.integer($0, in: SettingsLimits.trees) }) { trees = number }
    if let time = reader[.drain].flatMap({ context.duration($0, in: SettingsLimits.drain) }) { drain = time }
    if let time = reader[.grace].flatMap({ context.duration($0, in: SettingsLimits.grace) }) { grace = time }
  }
}
