import SlipwayModel

/// Scheme, host and port of an S3 server.
struct Server {
  let isEncrypted: Bool
  /// `host` or `host:port`, lowercase, without a default port.
  let authority: String
  /// Whether the host is this machine by its name or number.
  let isThisMachine: Bool
  /// What stands in front of a path.
  var base: String { (isEncrypted ? "https://" : "http://") + authority }

  init(awsRegion region: String) {
    self.init(awsService: "s3", region: region)
  }

  init(awsService service: String, region: String) {
    isEncrypted = true
    isThisMachine = false
    authority = "\(service).\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
  }

  /// `scheme://host[:port]`, with nothing behind it but a slash.
  init(_ text: String, _ subject: String) throws(Failure) {
    let problem = Failure(
      .blocked, "use", subject, code: "InvalidEndpoint",
      cause: "\(escaped(text.utf8)) is not an endpoint", remedy: "write it as https://host or https://host:port")
    let lowercase = text.lowercased()
    guard let scheme = ["https", "http"].first(where: { lowercase.hasPrefix($0 + "://") }) else { throw problem }
    var rest = lowercase.dropFirst(scheme.count + 3)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    guard let (host, port) = Self.split(rest) else { throw problem }
    let defaultPort = scheme == "https" ? 443 : 80
    isEncrypted = scheme == "https"
    authority = port == nil || port == defaultPort ? host : "\(host):\(port ?? defaultPort)"
    isThisMachine = host == "localhost" || host == "[::1]" || Self.isLoopbackNumber(host)
  }

  private static func split(_ text: Substring) -> (host: String, port: Int?)? {
    let hostEnd = text.hasPrefix("[") ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":")
    let host = text[..<(hostEnd ?? text.endIndex)]
    let rest = text[host.endIndex...]
    guard isHost(host) else { return nil }
    if rest.isEmpty { return (String(host), nil) }
    guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), 1...65535 ~= port else { return nil }
    return (String(host), port)
  }

  private static func isHost(_ host: Substring) -> Bool {
    let isNumber = host.hasPrefix("[") && host.hasSuffix("]")
    let name = isNumber ? host.dropFirst().dropLast() : host
    guard 1...253 ~= name.utf8.count else { return false }
    return name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2E
        || (isNumber ? byte == 0x3A : byte == 0x2D || byte == 0x5F)
    }
  }

  private static func isLoopbackNumber(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
