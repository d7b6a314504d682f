extension DecodingContext {
  /// `scheme://host[:port]`; a slash at its end is dropped.
  func endpoint(_ node: Node, allowingInsecure: Bool) -> String? {
    guard let text = text(node, expecting: "an endpoint") else { return nil }
    guard let endpoint = Endpoint(text) else {
      // Not quoted: whoever writes user:password@ here must not find it in a log.
      error(
        "an endpoint is http:// or https://, a host and perhaps a port, as in https://s3.example:9000", at: node.mark)
      return nil
    }
    if endpoint.isEncrypted || endpoint.isLoopback || allowingInsecure { return endpoint.text }
    error(
      "http to \(quoted(endpoint.host)) sends everything in the clear; use https, or allow it with insecure: true",
      at: node.mark)
    return nil
  }
}

/// The address of a server.
package struct Endpoint {
  package let text: String
  package let isEncrypted: Bool
  /// Without brackets around an IPv6 address.
  package let host: String

  /// nil unless `text` is a scheme, a host and at most a port.
  package init?(_ text: String) {
    let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
    guard let scheme = ["https://", "http://"].first(where: trimmed.hasPrefix) else { return nil }
    let rest = Substring(trimmed.dropFirst(scheme.count))
    guard let (host, port) = rest.first == "[" ? Self.bracketed(rest) : Self.plain(rest) else { return nil }
    guard port.isEmpty || (port.first == ":" && Self.isPort(port.dropFirst())) else { return nil }
    self.text = trimmed
    self.isEncrypted = scheme == "https://"
    self.host = host
  }

  /// Whether what is sent stays on this machine.
  package var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }

  private static func plain(_ rest: Substring) -> (String, Substring)? {
    let host = rest.prefix { $0 != ":" }
    let isName = host.utf8.allSatisfy { EnvironmentNames.isNameByte($0) || $0 == 0x2D || $0 == 0x2E }
    guard isName, !host.isEmpty, host.utf8.count <= 253, !host.hasPrefix("."), !host.hasPrefix("-") else { return nil }
    return (String(host), rest[host.endIndex...])
  }

  private static func bracketed(_ rest: Substring) -> (String, Substring)? {
    guard let end = rest.firstIndex(of: "]") else { return nil }
    let host = rest[rest.index(after: rest.startIndex)..<end]
    guard !host.isEmpty, host.allSatisfy({ $0.isASCII && ($0.isHexDigit || $0 == ":" || $0 == ".") }) else {
      return nil
    }
    return (String(host), rest[rest.index(after: end)...])
  }

  private static func isPort(_ digits: Substring) -> Bool {
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else { return false }
    return port > 0
  }
}
