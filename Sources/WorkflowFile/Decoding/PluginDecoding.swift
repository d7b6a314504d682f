import SlipwayModel

enum PluginKey: String, CaseIterable {
  case type
  case command
  case prefix
  case timeout
  case environment = "env"
  case passedEnvironment = "pass_env"
  case transfers
  case proves
}

extension PluginDestination {
  /// nil where the program cannot be told; what else is wrong is reported and keeps its default. At the mark stands the
  /// program.
  static func decoding(_ reader: MappingReader<PluginKey>) -> Located<PluginDestination>? {
    let context = reader.context
    let command = reader.required(.command).flatMap(context.command)
    let variables = reader[.environment].map(context.variables) ?? []
    let passed = reader[.passedEnvironment].map(context.passedNames) ?? []
    let timeout = reader[.timeout].flatMap { context.duration($0, in: HookLimits.timeout) }
    let transfers = reader[.transfers].flatMap { context.integer($0, in: SettingsLimits.transfers) }
    let proves = reader[.proves].flatMap(context.boolean)
    guard let command, case .program(let program, let arguments) = command.value else { return nil }
    var settings = PluginDestination(
      program: program, arguments: arguments, directory: context.directory(at: command.mark))
    (settings.environment, settings.passedEnvironment) = (variables, passed)
    if let timeout { settings.timeout = timeout }
    if let transfers { settings.transfers = transfers }
    if let proves { settings.provesContent = proves }
    return Located(settings, command.mark)
  }
}
