/// Why something cannot be converted: for people, escaped, never with a secret.
struct ConversionProblem: Error, Equatable {
  let message: String
  /// Whether the command line is wrong, and not a file that it names.
  var isUsage = false
}
