import Glibc

/// What all easy handles of a transport have in common.
struct EasySettings {
  let caBundle: String?
  let userAgent: String
  let timeLimits: TimeLimits
  /// Whether the environment names a proxy at all.
  let usesProxies: Bool

  init(_ settings: HTTPTransport.Settings) {
    caBundle = settings.caBundle
    userAgent = settings.userAgent
    timeLimits = settings.timeLimits
    usesProxies = Self.proxyVariables.contains { name in
      guard let value = getenv(name) else { return false }
      return value.pointee != 0
    }
  }

  /// Those that libcurl looks at for http and https (CURLOPT_PROXY(3)); HTTP_PROXY in capitals is not one of them.
  private static let proxyVariables = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
}
