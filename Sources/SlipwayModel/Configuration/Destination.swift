/// One entry of `destinations:`.
public struct Destination: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case s3(S3Destination)
    /// An absolute directory; created when it is first written to.
    case directory(BytePath)
  }

  public let name: DestinationName
  public let location: SourceLocation
  /// In front of every key; without slashes at either end, empty for none.
  public let prefix: [UInt8]
  public let kind: Kind

  public var isDirectory: Bool {
    if case .directory = kind { true } else { false }
  }

  public init(name: DestinationName, location: SourceLocation, prefix: [UInt8], kind: Kind) {
    self.name = name
    self.location = location
    self.prefix = prefix
    self.kind = kind
  }

  /// Whether the destination can prove by itself that what it holds is what was sent.
  public var provesContent: Bool {
    switch kind {
    case .directory: true
    case .s3(let settings): settings.checksum != .none || settings.verifyETag == true
    }
  }
}

/// The keys of a destination with `type: s3`.
public struct S3Destination: Sendable, Hashable {
  public enum Checksum: String, Sendable, Hashable, CaseIterable {
    case auto, crc64nvme, crc32c, sha256, md5, none
  }
  public enum Addressing: Sendable, Hashable {
    case automatic, path, virtualHost
  }
  public struct Keys: Sendable, Hashable {
    public let accessKeyID: String
    public let secretAccessKey: Secret
    /// nil for long-lived keys.
    public let sessionToken: Secret?

    public init(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret?) {
      self.accessKeyID = accessKeyID
      self.secretAccessKey = secretAccessKey
      self.sessionToken = sessionToken
    }
  }

  public var bucket: String
  /// nil: from the environment.
  public var region: String?
  /// `scheme://host[:port]` without a path; nil: AWS in that region.
  public var endpoint: String?
  /// nil: from the environment.
  public var credentials: Keys?
  public var addressing = Addressing.automatic
  public var checksum = Checksum.auto
  /// nil: exactly where MD5 is computed anyway.
  public var verifyETag: Bool?
  /// Allows http to another machine than this.
  public var allowsInsecure = false

  public init(bucket: String) {
    self.bucket = bucket
  }

  /// What `auto` stands for: AWS answers with its CRC-64/NVME, any other server knows Content-MD5 at least. Whether it
  /// is AWS is an argument, because an endpoint may also come from the environment.
  public func effectiveChecksum(isAWS: Bool) -> Checksum {
    checksum == .auto ? (isAWS ? .crc64nvme : .md5) : checksum
  }
  public func verifiesETag(isAWS: Bool) -> Bool { verifyETag ?? (effectiveChecksum(isAWS: isAWS) == .md5) }
}
