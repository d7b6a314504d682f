/// A flag of `mc mirror`, or of mc itself, and what it becomes.
struct MCFlag {
  enum Effect {
    case key(Key)
    /// No key: why it needs none.
    case needless(String)
    /// No counterpart: why, and what to do.
    case lost(String)
  }

  /// What becomes keys of the file, or says where mc has its configuration.
  enum Key {
    case watch, bothWays, remove, overwrite, dryRun, exclude, excludeBucket
    case region, storageClass, attributes, md5, checksum, wholeUploads, workers, uploadLimit
    case kmsEncryption, s3Encryption, configuration
  }

  /// The first is the one by which it is told.
  let names: [String]
  let takesValue: Bool
  let effect: Effect

  /// `names` are apart by blanks.
  private init(_ names: String, value: Bool = false, _ effect: Effect) {
    (self.names, takesValue, self.effect) = (names.split(separator: " ").map(String.init), value, effect)
  }

  static func named(_ name: String) -> MCFlag? { all.first { $0.names.contains(name) } }

  /// All that mc has had, the hidden and the former ones too.
  static let all = mirror + encryption + common

  private static let mirror = [
    MCFlag("watch w", .key(.watch)),
    MCFlag("multi-master", .key(.bothWays)),
    MCFlag("active-active", .key(.bothWays)),
    MCFlag("remove", .key(.remove)),
    MCFlag("overwrite", .key(.overwrite)),
    MCFlag("force", .key(.overwrite)),
    MCFlag("dry-run", .key(.dryRun)),
    MCFlag("fake", .key(.dryRun)),
    MCFlag("exclude", value: true, .key(.exclude)),
    MCFlag("exclude-bucket", value: true, .key(.excludeBucket)),
    MCFlag("include-bucket", value: true, .lost("it chooses among a server's buckets, and the source is a directory")),
    MCFlag("exclude-storageclass", value: true, .needless("files have no storage class")),
    MCFlag(
      "older-than", value: true, .lost("a mirror has every file, whatever its age; 'filter' and 'exclude' go by names")),
    MCFlag(
      "newer-than", value: true, .lost("a mirror has every file, whatever its age; 'filter' and 'exclude' go by names")),
    MCFlag("storage-class sc", value: true, .key(.storageClass)),
    MCFlag("attr", value: true, .key(.attributes)),
    MCFlag("md5", .key(.md5)),
    MCFlag("checksum", value: true, .key(.checksum)),
    MCFlag("preserve a", .lost("owner, mode and times of a file are not kept with its object")),
    MCFlag("region", value: true, .key(.region)),
    MCFlag(
      "monitoring-address", value: true, .lost("there is no address for metrics; 'slipway status' tells how it stands")),
    MCFlag("retry", .needless("every request and every run is tried again ('retry')")),
    MCFlag("summary", .needless("'slipway status' and 'slipway runs' tell what was done")),
    MCFlag("skip-errors", .needless("a file's error does not keep the others back; the run fails, and is tried again")),
    MCFlag("max-workers", value: true, .key(.workers)),
    MCFlag("disable-multipart", .key(.wholeUploads)),
  ]

  private static let encryption = [
    MCFlag("enc-s3", value: true, .key(.s3Encryption)),
    MCFlag("enc-kms", value: true, .key(.kmsEncryption)),
    MCFlag("enc-c", value: true, .lost(ownKeys)),
    MCFlag("encrypt-key", value: true, .lost(ownKeys)),
    MCFlag("encrypt", value: true, .lost("name the encryption by 'sse' of the destination")),
  ]

  private static let ownKeys =
    "a key of one's own (SSE-C) is never sent, and objects would lie there without it; 'sse' has the server's keys"

  private static let common = [
    MCFlag("config-dir config-folder C", value: true, .key(.configuration)),
    MCFlag("limit-upload", value: true, .key(.uploadLimit)),
    MCFlag("limit-download", value: true, .needless("nothing is downloaded")),
    MCFlag("insecure", .lost("certificates are always verified; AWS_CA_BUNDLE names a file with those of your own")),
    MCFlag("resolve", value: true, .lost("names are looked up as the system does; /etc/hosts can say so")),
    MCFlag(
      "custom-header H", value: true,
      .lost("requests have no fields of one's own; 'headers' and 'metadata' are the objects'")),
    MCFlag("conn-read-deadline", value: true, .needless("a connection on which nothing moves is given up")),
    MCFlag("conn-write-deadline", value: true, .needless("a connection on which nothing moves is given up")),
    MCFlag("json", .needless("'slipway run --log json' logs so")),
    MCFlag("debug", .needless("'slipway run -v' tells more")),
    MCFlag("quiet q", .needless("'slipway run -q' tells errors only")),
    MCFlag("no-color", .needless("NO_COLOR is honoured")),
    MCFlag("disable-pager dp", .needless("there is no pager")),
  ]
}
