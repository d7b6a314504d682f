import SlipwayModel

/// Where a bucket's requests go, and what they are called on the wire.
package struct S3Endpoint: Sendable, Hashable {
  package let bucket: String
  package private(set) var region: String
  /// Whether no endpoint was named: AWS itself.
  package let isAWS: Bool
  /// Whether it is https.
  package let isEncrypted: Bool
  /// The value of the Host field: a default port is left out, as libcurl does.
  package private(set) var authority: String
  /// The same without the bucket, as it was named.
  let serverAuthority: String
  /// In front of a key's path: empty, or the bucket with a slash.
  private let pathPrefix: [UInt8]

  /// Throws a blocked failure that says which setting is missing or wrong. Pure.
  package init(_ settings: S3Destination, environment: [String: String]) throws(Failure) {
    let subject = "s3://\(escaped(settings.bucket.utf8))"
    let text =
      settings.endpoint ?? environment.nonEmpty("AWS_ENDPOINT_URL_S3") ?? environment.nonEmpty("AWS_ENDPOINT_URL")
    bucket = settings.bucket
    region = try Self.region(settings, environment, hasEndpoint: text != nil, subject)
    let server = try text.map { text throws(Failure) in try Server(text, subject) } ?? Server(awsRegion: region)
    guard server.isEncrypted || server.isThisMachine || settings.allowsInsecure else {
      throw Failure(
        .blocked, "use", subject, code: "InsecureEndpoint",
        cause: "plain http to another machine (\(server.authority)) shows every object to the network",
        remedy: "use https, or set insecure: true")
    }
    isAWS = text == nil
    isEncrypted = server.isEncrypted
    serverAuthority = server.authority
    if Self.usesVirtualHost(settings, isAWS: isAWS) {
      authority = settings.bucket + "." + server.authority
      pathPrefix = [UInt8(ascii: "/")]
    } else {
      authority = server.authority
      pathPrefix = [UInt8(ascii: "/")] + percentEncoded(Array(settings.bucket.utf8)) + [UInt8(ascii: "/")]
    }
  }

  /// The same bucket, signed for another region. At AWS it is asked for at that region's host; any other server stays
  /// the one that was named. `region` has been checked.
  func moved(to region: String) -> S3Endpoint {
    var moved = self
    moved.region = region
    if isAWS { moved.authority = (usesVirtualHost ? bucket + "." : "") + Server(awsRegion: region).authority }
    return moved
  }

  private var usesVirtualHost: Bool { pathPrefix.count == 1 }

  /// The path of an object, or of the bucket itself, as it stands in the request line.
  func path(of key: ObjectKey?) -> [UInt8] {
    var path = pathPrefix
    path.reserveCapacity(pathPrefix.count + 2 * (key?.bytes.count ?? 0))
    if let key { path.appendPercentEncoded(key.bytes, keepsSlashes: true) }
    return path
  }

  /// The whole address of a path; both are ASCII.
  func url(path: [UInt8], query: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(authority.utf8.count + path.count + query.count + 16)
    text.append(contentsOf: (isEncrypted ? "https://" : "http://").utf8)
    text.append(contentsOf: authority.utf8)
    text.append(contentsOf: path)
    if !query.isEmpty {
      text.append(UInt8(ascii: "?"))
      text.append(contentsOf: query)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// An object's address for people and manifests.
  package func url(of key: ObjectKey) -> String { url(path: path(of: key), query: []) }

  /// What a message calls an object, or the bucket; escaped.
  package func subject(_ key: ObjectKey?) -> String {
    "s3://\(escaped(bucket.utf8))" + (key.map { "/\($0)" } ?? "")
  }

  private static func region(
    _ settings: S3Destination, _ environment: [String: String], hasEndpoint: Bool, _ subject: String
  ) throws(Failure) -> String {
    // Where there is one region only, that of the environment is meant for another server.
    let named =
      settings.region ?? ServerQuirks.of(settings.server).region ?? environment.nonEmpty("AWS_REGION")
      ?? environment.nonEmpty("AWS_DEFAULT_REGION")
    guard let region = named ?? (hasEndpoint ? "us-east-1" : nil) else {
      throw Failure(
        .blocked, "use", subject, code: "MissingRegion", cause: "no region is named",
        remedy: "set region at the destination, or AWS_REGION in the environment")
    }
    guard isRegionName(region) else {
      throw Failure(
        .blocked, "use", subject, code: "InvalidRegion",
        cause: "\(escaped(region.utf8)) cannot be the name of a region",
        remedy: "correct region at the destination, or AWS_REGION in the environment")
    }
    return region
  }

  private static func usesVirtualHost(_ settings: S3Destination, isAWS: Bool) -> Bool {
    switch settings.addressing {
    case .path: false
    case .virtualHost: true
    case .automatic: isAWS && isHostLabel(settings.bucket)
    }
  }

  /// Whether the bucket can stand in a host name; with a dot in it, AWS's certificate would not match.
  private static func isHostLabel(_ bucket: String) -> Bool {
    let bytes = Array(bucket.utf8)
    guard 3...63 ~= bytes.count, let first = bytes.first, let last = bytes.last else { return false }
    return first != 0x2D && last != 0x2D && bytes.allSatisfy { isRegionByte($0) }
  }
}

/// Whether `text` may be a region: it becomes a part of host names and of what is signed.
func isRegionName(_ text: String) -> Bool {
  1...64 ~= text.utf8.count && text.utf8.allSatisfy { isRegionByte($0) }
}

private func isRegionByte(_ byte: UInt8) -> Bool {
  byte == 0x2D || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
}

extension [String: String] {
  /// The value of a variable that is set and not empty.
  func nonEmpty(_ name: String) -> String? {
    self[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}
