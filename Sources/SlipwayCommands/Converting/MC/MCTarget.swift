import SlipwayModel
import WorkflowFile

/// Where mc mirrors to.
struct MCTarget {
  enum Place {
    case directory(BytePath)
    case bucket(MCAlias, name: String, prefix: String)
  }

  let place: Place

  /// Throws why it is none to which Slipway sends.
  init(_ operand: String, _ aliases: MCAliases) throws(ConversionProblem) {
    if Self.isDirectory(operand) {
      place = .directory(BytePath(absolutizing: operand))
      return
    }
    if operand.contains("://") { throw Self.isURL("TARGET") }
    let parts = operand.split(separator: "/").map(String.init)
    guard let first = parts.first else { throw ConversionProblem(message: "TARGET is empty", isUsage: true) }
    guard let alias = try aliases[first] else {
      throw ConversionProblem(
        message: "TARGET \(Self.quoted(operand)): there is no alias \(Self.quoted(first)) in \(aliases.places(first)); "
          + "--config-dir names another directory, and a local one begins with / or ./")
    }
    let path = parts.dropFirst().filter { $0 != "." }
    guard let bucket = path.first else {
      throw ConversionProblem(
        message: "TARGET \(Self.quoted(operand)) names no bucket: Slipway sends to one, and makes none; "
          + "write \(escaped(first.utf8))/BUCKET", isUsage: true)
    }
    if path.contains("..") {
      throw ConversionProblem(message: "TARGET \(Self.quoted(operand)) has '..' in it", isUsage: true)
    }
    place = .bucket(alias, name: bucket, prefix: path.dropFirst().joined(separator: "/"))
  }

  /// Throws if `operand`, as SOURCE, is not of this machine.
  static func checkSource(_ operand: String, _ aliases: MCAliases) throws(ConversionProblem) {
    if operand.isEmpty { throw ConversionProblem(message: "SOURCE is empty", isUsage: true) }
    if isDirectory(operand) { return }
    if operand.contains("://") { throw isURL("SOURCE") }
    if try aliases[String(operand.prefix { $0 != "/" })] == nil { return }
    throw ConversionProblem(
      message:
        "SOURCE \(quoted(operand)) is on a server: Slipway uploads from a local directory, and does not download; "
        + "a directory of that name is ./\(escaped(operand.utf8))", isUsage: true)
  }

  /// Not quoted: there may be keys in it.
  private static func isURL(_ operand: String) -> ConversionProblem {
    ConversionProblem(
      message:
        "\(operand) is a URL: mc knows servers by aliases, and MC_HOST_ALIAS=https://ACCESS:SECRET@HOST makes one",
      isUsage: true)
  }

  private static func isDirectory(_ operand: String) -> Bool {
    operand.hasPrefix("/") || [".", ".."].contains(operand) || operand.hasPrefix("./") || operand.hasPrefix("../")
  }

  private static func quoted(_ text: String) -> String { "'\(escaped(text.utf8.prefix(200)))'" }

  var destinationName: String {
    switch place {
    case .directory: "directory"
    case .bucket(_, let name, _): ConvertedFile.destinationName(of: name)
    }
  }

  var keys: KeyReferences? {
    guard case .bucket(let alias, _, _) = place, alias.hasKeys else { return nil }
    return KeyReferences(prefix: "MC", hasToken: alias.hasToken)
  }

  /// The keys of the destination that say where it is. `region` is what the command line says.
  func lines(region: String?) -> [String] {
    switch place {
    case .directory(let path):
      return ["    type: directory", "    path: \(YAMLText.quoted(String(decoding: path.bytes, as: UTF8.self)))"]
    case .bucket(let alias, let name, let prefix):
      var lines = ["    type: s3", "    bucket: \(YAMLText.quoted(name))"]
      if !prefix.isEmpty { lines.append("    prefix: \(YAMLText.quoted(prefix))") }
      return lines + server(alias, region) + (keys?.lines ?? [])
    }
  }

  private func server(_ alias: MCAlias, _ region: String?) -> [String] {
    var lines: [String] = []
    let named = region ?? alias.awsRegion.flatMap { $0.isEmpty ? nil : $0 }
    if let named { lines.append("    region: \(YAMLText.quoted(named))") }
    if alias.awsRegion == nil, let endpoint = Endpoint(alias.url) {
      lines.append("    endpoint: \(YAMLText.quoted(endpoint.text))")
      if !endpoint.isEncrypted, !endpoint.isLoopback {
        lines.append("    insecure: true  # http to another machine, as the alias has it")
      }
    } else if named == nil {
      lines.append("    region: ${AWS_REGION:-us-east-1}  # a bucket of another region is found there")
    }
    switch alias.path.lowercased() {
    case "on", "path": lines.append("    path_style: true")
    case "off", "dns": lines.append("    path_style: false")
    default: break
    }
    return lines
  }

  /// What of the alias has no counterpart.
  var notes: [String] {
    guard case .bucket(let alias, _, _) = place else { return [] }
    var notes: [String] = []
    if alias.api.lowercased() == "s3v2" {
      notes.append("api S3v2 of \(Self.quoted(alias.name)): requests are signed by version 4 only")
    }
    if !alias.hasKeys {
      notes.append(
        "\(Self.quoted(alias.name)) has no keys: those count that the AWS tools would find, and requests are always signed"
      )
    }
    return notes
  }
}
