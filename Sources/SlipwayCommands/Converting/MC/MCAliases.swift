import S3Client
import SlipwayModel
import WorkflowFile

/// The aliases that mc has: `MC_HOST_name` in the environment, then its configuration file.
struct MCAliases {
  private let environment: [String: String]
  private let file: String
  private let entries: [String: JSONValue]

  /// `directory` is what `--config-dir` says; without it MC_CONFIG_DIR counts, and then the one that is named like the
  /// program in the home directory.
  init(directory: String?, program: String, environment: [String: String]) throws(ConversionProblem) {
    self.environment = environment
    let home = environment["HOME"] ?? ""
    let place = [directory, environment["MC_CONFIG_DIR"]].compactMap(\.self).first { !$0.isEmpty }
    file = (place ?? "\(home)/.\(program)") + "/config.json"
    entries = try Self.entries(of: file)
  }

  /// Where an alias of this name is looked for.
  func places(_ name: String) -> String { "MC_HOST_\(escaped(name.utf8)) and \(escaped(file.utf8))" }

  /// nil if there is none. Throws what is wrong with it, without its keys.
  subscript(_ name: String) -> MCAlias? {
    get throws(ConversionProblem) {
      let variable = "MC_HOST_\(name)"
      if let text = environment[variable] { return try Self.alias(name, in: variable, text) }
      guard let entry = entries[name] else { return nil }
      let place = escaped(file.utf8)
      guard let url = entry.text("url"), Endpoint(url) != nil else {
        throw ConversionProblem(message: "\(place): the url of '\(escaped(name.utf8))' is not http(s)://HOST[:PORT]")
      }
      let keys = ["accessKey", "secretKey"].map { entry.text($0) ?? "" }
      // What mc puts there before anybody has named keys.
      let hasKeys = keys.allSatisfy { !$0.isEmpty && !$0.hasPrefix("YOUR-") }
      return MCAlias(
        name: name, url: url, path: entry.text("path") ?? entry.text("lookup") ?? "auto",
        api: entry.text("api") ?? "S3v4", hasKeys: hasKeys,
        hasToken: hasKeys && !(entry.text("sessionToken") ?? "").isEmpty,
        place: "accessKey and secretKey of '\(escaped(name.utf8))' in \(place)")
    }
  }

  private static func entries(of file: String) throws(ConversionProblem) -> [String: JSONValue] {
    guard let bytes = try ForeignFile.contentIfThere(of: file) else { return [:] }
    guard case .object(let top) = JSONValue(bytes, upTo: ForeignFile.sizeLimit) else {
      throw ConversionProblem(message: "\(escaped(file.utf8)): this is not JSON as mc writes it")
    }
    // Up to 2020 they were called hosts.
    guard case .object(let entries) = top["aliases"] ?? top["hosts"] else { return [:] }
    return entries
  }

  /// `https://ACCESS:SECRET[:TOKEN]@HOST`, or without keys.
  private static func alias(_ name: String, in variable: String, _ text: String) throws(ConversionProblem) -> MCAlias {
    let scheme = ["https://", "http://"].first(where: text.hasPrefix) ?? ""
    let rest = text.dropFirst(scheme.count)
    let at = rest.lastIndex(of: "@")
    let host = at.map { rest[rest.index(after: $0)...] } ?? rest
    let colons = at.map { rest[..<$0].count { $0 == ":" } } ?? 0
    guard Endpoint(scheme + host) != nil, at == nil || colons > 0 else {
      throw ConversionProblem(message: "\(escaped(variable.utf8)) is not https://ACCESS:SECRET@HOST[:PORT]")
    }
    return MCAlias(
      name: name, url: scheme + host, hasKeys: at != nil, hasToken: colons > 1,
      place: "those in \(escaped(variable.utf8))")
  }
}
