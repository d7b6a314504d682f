import SlipwayModel

/// The keys that the program of a profile's `credential_process` writes (AWS SDKs and Tools Reference Guide, "Process
/// credential provider").
struct ProcessCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings
  /// The profile's.
  let name: String
  private let command: String

  init(_ surroundings: CredentialSurroundings, name: String, command: String) {
    self.surroundings = surroundings
    self.name = name
    self.command = command
  }

  /// Nothing of the command or of what it writes is told: both may hold secrets.
  func ask() async throws(Failure) -> CredentialAnswer {
    guard let words = Self.words(command) else {
      throw failure(.blocked, "InvalidProfile", "credential_process is no command line", remedy: "correct it")
    }
    let output: [UInt8]
    do throws(CredentialPrograms.Problem) {
      output = try await surroundings.programs.run(words, surroundings.environment)
    } catch {
      throw failure(.blocked, error.code, "credential_process \(error.cause)", remedy: Self.remedy)
    }
    do throws(MetadataAnswer.Unusable) {
      return .keys(try Self.keys(output))
    } catch {
      throw failure(.blocked, error.code, "credential_process \(error.cause)", remedy: Self.remedy)
    }
  }

  private static let remedy = "run the command by hand to see what is wrong"

  private static func keys(_ output: [UInt8]) throws(MetadataAnswer.Unusable) -> TimedCredentials {
    func unusable(_ cause: String) -> MetadataAnswer.Unusable { .init(code: "InvalidAnswer", cause: cause) }
    guard let value = JSONValue(output) else { throw unusable(output.isEmpty ? "wrote nothing" : "wrote no JSON") }
    guard case .object(let members) = value, members["Version"] == .number("1") else {
      throw unusable("wrote no answer of Version 1")
    }
    guard let id = value.text("AccessKeyId"), let secret = value.text("SecretAccessKey") else {
      throw unusable("wrote no keys")
    }
    let expiry = value.text("Expiration").map { Timestamp(expiry: $0) }
    guard expiry != .some(nil) else { throw unusable("wrote an Expiration that is no date") }
    let keys = S3Credentials(
      accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: value.text("SessionToken").map(Secret.init))
    return TimedCredentials(keys, expiry: expiry ?? nil)
  }

  /// The words of a command line, by the quotes and backslashes of a POSIX shell and nothing else of it; nil if there
  /// are none, or a quote is left open.
  static func words(_ command: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var rest = Substring(command)
    while let character = rest.popFirst() {
      switch (character, quote) {
      case (quote, .some): quote = nil
      case ("\"", nil), ("'", nil):
        quote = character
        word = word ?? ""
      case ("\\", nil),
        ("\\", "\"") where rest.first == "\"" || rest.first == "\\":
        guard let next = rest.popFirst() else { return nil }
        word = (word ?? "") + String(next)
      case (" ", nil), ("\t", nil):
        if let whole = word { words.append(whole) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    if let whole = word { words.append(whole) }
    return quote == nil && words.first?.isEmpty == false ? words : nil
  }
}
