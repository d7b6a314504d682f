import SlipwayModel

/// What a plugin says of itself when it has started: the answer to `hello`.
struct PluginGreeting: Sendable {
  let answer: PluginAnswer
  /// What it can be asked.
  let operations: Set<PluginOperation>
  /// Whether it answers each put with the checksum of what it holds.
  let provesContent: Bool
  /// Whether it lists in byte order of the keys.
  let listsInOrder: Bool
  /// How many requests it takes before it has answered the first.
  let atOnce: Int

  static let atOnceMax = 64

  /// Throws a blocked failure for a plugin that this Slipway cannot use, or that is not what the file says of it.
  init(_ answer: PluginAnswer, of settings: PluginDestination, _ subject: String) throws(Failure) {
    func refuse(_ cause: String, _ remedy: String = "") -> Failure {
      Failure(.blocked, "use", subject, code: "BadPlugin", cause: cause, remedy: remedy)
    }
    if !answer.isOK { throw answer.failure(.hello, subject) }
    guard let version = answer.count("version") else { throw refuse("it does not tell the version of its protocol") }
    guard version == Int64(PluginRequest.version) else {
      throw refuse("it speaks version \(version) of the protocol, and this Slipway version \(PluginRequest.version)")
    }
    self.answer = answer
    operations = Set(answer.texts("capabilities").compactMap(PluginOperation.init(rawValue:)))
    provesContent = answer.flag("proves")
    listsInOrder = answer.flag("sorted")
    atOnce = Int(min(max(1, answer.count("at_once") ?? 1), Int64(Self.atOnceMax)))
    if settings.provesContent, !provesContent {
      throw refuse(
        "it does not prove what it stores, and the file says that it does",
        "remove 'proves: true', or have it answer with sha256")
    }
  }
}
