/// The keys of a destination with `type: s3`.
public struct S3Destination: Sendable, Hashable {
  public enum Checksum: String, Sendable, Hashable, CaseIterable {
    case auto, crc64nvme, crc32c, sha256, md5, none
  }
  public enum Addressing: Sendable, Hashable {
    case automatic, path, virtualHost
  }
  /// What happens to an object that is there.
  public enum Overwrite: String, Sendable, Hashable, CaseIterable {
    case always
    /// Left alone where it is equal in size and checksum.
    case different
    /// Left alone, and any other content is an error.
    case never
  }
  /// `sse:` of the file.
  public struct Encryption: Sendable, Hashable {
    /// As `x-amz-server-side-encryption`.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
      case aes256 = "AES256"
      case kms = "aws:kms"
      case kmsTwoLayers = "aws:kms:dsse"
    }

    public let kind: Kind
    /// nil: the bucket's or AWS's own key.
    public let keyID: String?

    /// Whether a key of KMS encrypts: then an ETag is not the MD5 of what was sent (Amazon S3 API Reference, "Common
    /// response headers").
    public var hidesMD5: Bool { kind != .aes256 }

    public init(kind: Kind, keyID: String? = nil) {
      self.kind = kind
      self.keyID = keyID
    }
  }
  /// One entry of `headers:`.
  public struct HeaderRule: Sendable, Hashable {
    /// Perl's syntax, searched in the whole key.
    public let pattern: String
    /// Lowercase names, as they stand in the request; in the order of the file.
    public let fields: [Field]

    public struct Field: Sendable, Hashable {
      public let name: String
      public let value: String

      public init(name: String, value: String) {
        self.name = name
        self.value = value
      }
    }

    public init(pattern: String, fields: [Field]) {
      self.pattern = pattern
      self.fields = fields
    }
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
  /// nil: those of `profile`, or from the environment.
  public var credentials: Keys?
  /// A profile of `~/.aws` whose keys are meant, and no others; never together with `credentials`.
  public var profile: String?
  public var addressing = Addressing.automatic
  public var checksum = Checksum.auto
  /// nil: exactly where MD5 is computed anyway.
  public var verifyETag: Bool?
  /// Allows http to another machine than this.
  public var allowsInsecure = false

  /// Which server it is, for what it does in its own way; nil: AWS without an endpoint, else one that nobody named.
  public var server: S3ServerKind?
  /// Requests in flight at this destination; nil: as many as all workflows have together.
  public var transfers: Int?
  /// Bytes a second to this destination; nil: no limit of its own.
  public var bandwidth: Int64?
  /// From this size on a file is sent in parts, in bytes.
  public var multipartThreshold: Int64 = 64 << 20
  /// The size of a part, in bytes; it grows with the file so that 10,000 parts suffice.
  public var partSize: Int64 = 16 << 20
  public var overwrite = Overwrite.always
  /// As `x-amz-storage-class`; nil: the bucket's default.
  public var storageClass: String?
  /// A canned ACL, in the upload itself; nil: the bucket's default.
  public var acl: String?
  /// Of the server's own encryption; nil: the bucket's default.
  public var encryption: Encryption?
  /// Of every object; those of a pre hook win.
  public var tags: [String: String] = [:]
  /// Of every object; that of a pre hook wins.
  public var metadata: [String: String] = [:]
  /// The first whose pattern matches the key gives an object's header fields.
  public var headers: [HeaderRule] = []
  public var paysAsRequester = false
  /// The account that must own the bucket, twelve digits; nil: whoever does.
  public var expectedBucketOwner: String?

  public init(bucket: String) {
    self.bucket = bucket
  }

  /// What the server does in its own way. Whether it is AWS where nobody says so is an argument, because an endpoint may
  /// also come from the environment.
  public func quirks(isAWS: Bool) -> ServerQuirks { ServerQuirks.of(server ?? (isAWS ? .aws : nil)) }

  /// What `auto` stands for: AWS answers with its CRC-64/NVME, any other server knows Content-MD5 at least. Where a key of
  /// KMS takes the MD5 out of the ETag, half of MD5's proof is gone: then it is SHA-256, which the server compares as the
  /// hash of the signed payload, whether or not it knows the checksum's field.
  public func effectiveChecksum(isAWS: Bool) -> Checksum {
    if checksum != .auto { return checksum }
    let usual = quirks(isAWS: isAWS).defaultChecksum
    return usual == .md5 && encryption?.hidesMD5 == true ? .sha256 : usual
  }

  public func verifiesETag(isAWS: Bool) -> Bool {
    if let verifyETag { return verifyETag }
    let isMD5 = quirks(isAWS: isAWS).hasMD5ETags && encryption?.hidesMD5 != true
    return isMD5 && effectiveChecksum(isAWS: isAWS) == .md5
  }

  /// Whether the server compares a checksum, or its ETag can be compared. Each checksum is compared in some way: a CRC by
  /// its echo, MD5 as Content-MD5, SHA-256 as the hash of the signed payload.
  public var provesContent: Bool { checksum != .none || (verifyETag == true && encryption?.hidesMD5 != true) }
}
