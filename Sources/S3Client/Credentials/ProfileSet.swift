import SlipwayModel

/// All profiles of this user: those of both files, put together.
struct ProfileSet {
  let profiles: [String: [String: String]]
  /// Those of the config file: `sso-session x`, `services x`.
  let sections: [String: [String: String]]

  /// Where the files lie; nil where not even a home directory is known.
  struct Paths: Hashable {
    let config: String?
    let credentials: String?

    init(_ environment: [String: String]) {
      let home = environment.nonEmpty("HOME")
      func path(_ variable: String, _ name: String) -> String? {
        guard let named = environment.nonEmpty(variable) else { return home.map { "\($0)/.aws/\(name)" } }
        guard named.hasPrefix("~/"), let home else { return named }
        return home + named.dropFirst()
      }
      config = path("AWS_CONFIG_FILE", "config")
      credentials = path("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    }

    /// For messages.
    var text: String {
      let known = [credentials, config].compactMap { $0.map { escaped($0.utf8) } }
      return known.isEmpty ? "any file, as HOME is not set" : known.joined(separator: " or ")
    }
  }

  /// A missing file has no profiles.
  init(config: [UInt8]?, credentials: [UInt8]?, _ paths: Paths) throws(Failure) {
    let config = try Self.parsed(config, .config, paths.config)
    let credentials = try Self.parsed(credentials, .credentials, paths.credentials)
    profiles = config.profiles.merging(credentials.profiles) { Self.merge($0, $1) }
    sections = config.sections
  }

  /// Blocks.
  static func load(_ environment: [String: String], _ files: CredentialFiles) throws(Failure) -> ProfileSet {
    let paths = Paths(environment)
    let config = try paths.config.flatMap { path throws(Failure) in try files.contents(path, ProfileFile.sizeLimit) }
    let credentials = try paths.credentials.flatMap { path throws(Failure) in
      try files.contents(path, ProfileFile.sizeLimit)
    }
    return try ProfileSet(config: config, credentials: credentials, paths)
  }

  static func read(_ surroundings: CredentialSurroundings) async throws(Failure) -> ProfileSet {
    let paths = Paths(surroundings.environment)
    var found: [[UInt8]?] = []
    for path in [paths.config, paths.credentials] {
      if let path {
        found.append(try await surroundings.files.read(path, limit: ProfileFile.sizeLimit))
      } else {
        found.append(nil)
      }
    }
    return try ProfileSet(config: found[0], credentials: found[1], paths)
  }

  /// The profile that counts where nobody names one.
  static func name(_ environment: [String: String]) -> String { environment.nonEmpty("AWS_PROFILE") ?? "default" }

  private static func parsed(
    _ bytes: [UInt8]?, _ kind: ProfileFile.Kind, _ path: String?
  ) throws(Failure) -> ProfileFile {
    do throws(ProfileFile.BrokenLine) {
      return try ProfileFile(bytes ?? [], kind)
    } catch {
      throw Failure(
        .blocked, "read", escaped((path ?? "").utf8), code: "BrokenProfileFile",
        cause: "line \(error.number) is neither a section nor a property", remedy: "correct it")
    }
  }

  /// The credentials file wins. Keys are taken from one file alone: those of one with the token of the other fit
  /// nowhere.
  private static func merge(_ config: [String: String], _ credentials: [String: String]) -> [String: String] {
    let isWhole = credentials["aws_access_key_id"] != nil
    let config = isWhole ? config.filter { !Self.keyNames.contains($0.key) } : config
    return config.merging(credentials) { $1 }
  }

  private static let keyNames: Set<String> = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]
}
