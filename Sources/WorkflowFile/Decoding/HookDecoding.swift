import SlipwayModel

private enum HookKey: String, CaseIterable {
  case run
  case shell
  case when
  case timeout
  case environment = "env"
  case passedEnvironment = "pass_env"
  case dryRun = "dry_run"
}

/// The bounds of a hook.
enum HookLimits {
  static let timeout: ClosedRange<Duration> = .milliseconds(1) ... .seconds(7 * 86_400)
}

extension DecodingContext {
  /// A path, a list of a path and its arguments, or a mapping.
  func hook(_ node: Node, _ phase: Hook.Phase) -> Located<Hook>? {
    if case .mapping = node.content { return mappedHook(node, phase) }
    return command(node).map { Located(Hook(command: $0.value, location: node.mark.location), $0.mark) }
  }

  private func mappedHook(_ node: Node, _ phase: Hook.Phase) -> Located<Hook>? {
    guard let reader = MappingReader<HookKey>(node, self) else { return nil }
    let command = command(reader)
    var hook = Hook(command: command?.value ?? .shell(""), location: node.mark.location)
    if let condition = condition(reader, phase) { hook.condition = condition }
    if let time = reader[.timeout].flatMap({ duration($0, in: HookLimits.timeout) }) { hook.timeout = time }
    hook.environment = reader[.environment].map(variables) ?? []
    hook.passedEnvironment = reader[.passedEnvironment].map(passedNames) ?? []
    if let runs = reader[.dryRun].flatMap(boolean) { hook.runsInDryRun = runs }
    return command.map { Located(hook, $0.mark) }
  }

  private func condition(_ reader: MappingReader<HookKey>, _ phase: Hook.Phase) -> Hook.Condition? {
    guard let node = reader[.when] else { return nil }
    if phase == .post { return choice(node, of: Hook.Condition.self) }
    error("'when' is for post hooks; a pre hook always runs", at: reader.mark(of: .when))
    return nil
  }

  private func command(_ reader: MappingReader<HookKey>) -> Located<Hook.Command>? {
    switch (reader[.run], reader[.shell]) {
    case (let run?, nil): return command(run)
    case (nil, let shell?): return shellCommand(shell)
    case (nil, nil): error("missing key 'run' or 'shell'", at: reader.mark)
    case (.some, .some): error("'shell' cannot stand beside 'run'", at: reader.mark(of: .shell))
    }
    return nil
  }

  /// The text for the shell as it stands in the file: its `${NAME}` is the shell's own.
  private func shellCommand(_ node: Node) -> Located<Hook.Command>? {
    guard let text = rawText(node, expecting: "text for sh -c") else { return nil }
    if !text.isEmpty { return Located(.shell(text), node.mark) }
    error("expected text for sh -c, found empty text", at: node.mark)
    return nil
  }

  /// A program, or a list of a program and its arguments.
  func command(_ node: Node) -> Located<Hook.Command>? {
    switch node.content {
    case .scalar: return program(node).map { Located(.program($0, arguments: []), node.mark) }
    case .mapping:
      error("expected text or a list, found a mapping", at: node.mark)
      return nil
    case .list(let items):
      guard let first = items.first else {
        error("expected a program and its arguments, found an empty list", at: node.mark)
        return nil
      }
      let program = program(first)
      let arguments = items.dropFirst().map { text($0, allowingEmpty: true) }
      guard let program, !arguments.contains(nil) else { return nil }
      return Located(.program(program, arguments: arguments.compactMap { $0 }), first.mark)
    }
  }

  /// With a slash a path, relative to the file; a bare name is for PATH.
  private func program(_ node: Node) -> BytePath? {
    guard let text = text(node, expecting: "a program") else { return nil }
    return text.utf8.contains(UInt8(ascii: "/")) ? path(text, at: node.mark) : BytePath(text)
  }
}
