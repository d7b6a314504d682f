import SlipwayModel

extension DecodingContext {
  /// `env:` of a hook or a plugin.
  func variables(_ node: Node) -> [EnvironmentVariable] {
    (entries(node) ?? []).compactMap { entry in
      let isNamed = checkVariableName(entry.key, at: entry.keyMark)
      guard let value = text(entry.value, allowingEmpty: true), isNamed else { return nil }
      return EnvironmentVariable(entry.key, value)
    }
  }

  /// `pass_env:` of a hook or a plugin.
  func passedNames(_ node: Node) -> [String] {
    (list(node) ?? []).compactMap { item in
      guard let name = text(item, expecting: "the name of an environment variable") else { return nil }
      return checkVariableName(name, at: item.mark) ? name : nil
    }
  }

  private func checkVariableName(_ name: String, at mark: Mark) -> Bool {
    guard let problem = Self.problem(withVariable: name) else { return true }
    error(problem, at: mark)
    return false
  }

  private static func problem(withVariable name: String) -> String? {
    if !EnvironmentNames.isValid(name.utf8) {
      return "the name of an environment variable has only letters, digits and '_', found \(quoted(name))"
    }
    if name.hasPrefix("SLIPWAY_") { return "\(quoted(name)) is set by Slipway itself" }
    if credentialVariables.contains(name) {
      return "credentials are given neither to hooks nor to plugins; \(quoted(name)) cannot be named"
    }
    return nil
  }

  /// `pass_env: [AWS_PROFILE]` is the way of a hook to credentials.
  private static let credentialVariables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
}
