/// A destination's keys as references to environment variables: the values stay where they are.
struct KeyReferences {
  /// In front of the variables' names.
  let prefix: String
  var hasToken = false

  private var keys: [String] { ["access_key_id", "secret_access_key"] + (hasToken ? ["session_token"] : []) }

  var variables: [String] { keys.map(variable) }

  /// `credentials` of a destination.
  var lines: [String] { ["    credentials:"] + keys.map { "      \($0): ${\(variable($0))}" } }

  private func variable(_ key: String) -> String { "\(prefix)_\(key.uppercased())" }
}
