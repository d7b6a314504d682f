/// What a kind of S3 server does in its own way, as data: no code asks which server it is. What a server learned in
/// some version counts as known, because one that does not know it says so, and the error names the setting.
public struct ServerQuirks: Sendable, Hashable {
  /// What `checksum: auto` stands for.
  public var defaultChecksum = S3Destination.Checksum.md5
  /// What it refuses in the fields `x-amz-checksum-…`.
  public var refusedChecksums: Set<S3Destination.Checksum> = []
  /// Whether a PUT with `If-None-Match: *` leaves an object alone that is there.
  public var knowsIfNoneMatch = true
  /// Whether a PUT with `If-Match` replaces nothing but the object that has this ETag.
  public var knowsIfMatch = true
  /// Whether `If-Match` takes an ETag without its quotes, and no other.
  public var comparesBareETags = false
  /// Whether the ETag of what one PUT stored is its MD5, as long as no key of KMS encrypts it.
  public var hasMD5ETags = true
  /// Whether an upload takes tags with it.
  public var takesTags = true
  /// Whether an object forgets the tags of an upload that has put it together of parts.
  public var forgetsTagsOfParts = false
  /// Whether an upload takes a canned ACL with it.
  public var takesACLs = true
  /// The one region that it has; nil where regions have names.
  public var region: String?

  public init() {}

  /// nil is a server that nobody named.
  public static func of(_ kind: S3ServerKind?) -> ServerQuirks {
    kind.flatMap { table[$0] } ?? ServerQuirks()
  }

  private static let table: [S3ServerKind: ServerQuirks] = [
    .aws: aws, .ceph: ceph, .minio: minio, .r2: r2, .b2: b2,
  ]

  /// Amazon S3 API Reference, PutObject.
  private static var aws: ServerQuirks {
    var quirks = ServerQuirks()
    quirks.defaultChecksum = .crc64nvme
    return quirks
  }

  /// Ceph's documentation, "Ceph Object Gateway S3 API": tags and ACLs are supported. Its PUT has compared ETags since
  /// tracker.ceph.com/issues/8562, and 16.2 compares what stands between the quotes with all that was sent. Checksum
  /// fields are known to later versions; 16.2 passes them over, and takes tags with CreateMultipartUpload that no object
  /// has afterwards.
  private static var ceph: ServerQuirks {
    var quirks = ServerQuirks()
    quirks.comparesBareETags = true
    quirks.forgetsTagsOfParts = true
    return quirks
  }

  /// github.com/minio/minio-go/pull/1772 and github.com/minio/minio/issues/20346: If-Match and If-None-Match are known.
  /// github.com/minio/minio/issues/6959: an object's canned ACL is taken and passed over, which must not look as if it
  /// were honoured.
  private static var minio: ServerQuirks {
    var quirks = ServerQuirks()
    quirks.takesACLs = false
    return quirks
  }

  /// developers.cloudflare.com/r2/api/s3/api: the region is `auto`, ACLs are not implemented; tags are answered with
  /// 501 (github.com/jhaals/yopass/issues/3657). Conditions are known (r2/api/s3/conditional-operations). That all parts
  /// but the last must have one size (r2/objects/multipart-objects) is so of every upload here.
  private static var r2: ServerQuirks {
    var quirks = ServerQuirks()
    quirks.region = "auto"
    quirks.takesTags = false
    quirks.takesACLs = false
    return quirks
  }

  /// backblaze.com/docs/cloud-storage-s3-compatible-api: an object has no ACL of its own, tags and checksum fields are
  /// not supported. A conditional PUT is answered with 501
  /// (github.com/sathinduga/obsidian-s3-sync-and-backup/issues/78).
  private static var b2: ServerQuirks {
    var quirks = ServerQuirks()
    quirks.refusedChecksums = [.crc64nvme, .crc32c, .sha256]
    quirks.knowsIfNoneMatch = false
    quirks.knowsIfMatch = false
    quirks.takesTags = false
    quirks.takesACLs = false
    return quirks
  }
}
