import SlipwayModel

/// What the flags become: keys of the destination, keys of the workflow, and what there is to tell.
struct MCOptions {
  /// Of the destination, if it is a bucket; each with the flag that it comes from.
  private(set) var bucketLines: [(key: String, flag: String, lines: [String])] = []
  private(set) var exclude: [String] = []
  private(set) var isWatching = false
  private(set) var deletes = false
  private(set) var overwrites = false
  private(set) var isDryRun = false
  private(set) var region: String?
  /// A line each, escaped: what is not taken over, and what needs no key.
  private(set) var notes: [String] = []
  private(set) var needless: [String] = []

  /// `target` is TARGET as it stands there, by whose parts encryption is named.
  init(_ given: [MCArguments.Given], target: String) throws(ConversionProblem) {
    var encryption = MCEncryption(target: target)
    for flag in given {
      switch flag.flag.effect {
      case .needless(let why): needless.append("\(flag.name): \(why)")
      case .lost(let why): notes.append("\(flag.name): \(why)")
      case .key(.s3Encryption): if let why = encryption.take(flag.value, byKMS: false) { note(flag, why) }
      case .key(.kmsEncryption): if let why = encryption.take(flag.value, byKMS: true) { note(flag, why) }
      case .key(let key): try take(key, flag)
      }
    }
    if let chosen = encryption.line { bucketLines.append(("sse", chosen.flag, ["    \(chosen.line)"])) }
  }

  private mutating func take(_ key: MCFlag.Key, _ flag: MCArguments.Given) throws(ConversionProblem) {
    switch key {
    case .watch: isWatching = true
    case .bothWays:
      isWatching = true
      note(flag, "changes go one way, from the directory to the bucket")
    case .remove: deletes = true
    case .overwrite: overwrites = true
    case .dryRun: isDryRun = true
    case .exclude: if let regex = MCWildcard.regex(flag.value) { exclude.append(regex) }
    case .excludeBucket: if let regex = MCWildcard.topRegex(flag.value) { exclude.append(regex) }
    case .region:
      region = flag.value
      note(flag, "Slipway makes no bucket; taken as the region of the one that is there")
    case .storageClass: set(flag, ["    storage_class: \(YAMLText.quoted(flag.value))"])
    case .attributes: try setAttributes(flag)
    case .md5: set(flag, ["    checksum: md5"], key: "checksum")
    case .checksum: try setChecksum(flag)
    case .wholeUploads:
      set(flag, ["    multipart_threshold: 5GiB  # above it S3 takes files in parts only"])
    case .workers: try setWorkers(flag)
    case .uploadLimit: try setBandwidth(flag)
    case .configuration, .s3Encryption, .kmsEncryption: break
    }
  }

  private mutating func note(_ flag: MCArguments.Given, _ why: String) { notes.append("\(flag.name): \(why)") }

  /// Of a flag that is given twice, under whatever names, the last counts. Without `key` a flag has keys of its own.
  private mutating func set(_ flag: MCArguments.Given, _ lines: [String], key: String? = nil) {
    let key = key ?? flag.flag.names[0]
    bucketLines.removeAll { $0.key == key }
    if !lines.isEmpty { bucketLines.append((key, flag.name, lines)) }
  }

  private mutating func setAttributes(_ flag: MCArguments.Given) throws(ConversionProblem) {
    let attributes = try MCAttributes(flag.value)
    var lines: [String] = []
    if !attributes.metadata.isEmpty {
      lines.append("    metadata:")
      lines += attributes.metadata.map { "      \(YAMLText.quoted($0.name)): \(YAMLText.quoted($0.value))" }
    }
    if !attributes.headers.isEmpty {
      lines += ["    headers:", "      - match: '^'"]
      lines += attributes.headers.map { "        \($0.name): \(YAMLText.quoted($0.value))" }
    }
    set(flag, lines)
    notes += attributes.lost.map { "\(flag.name) \($0)" }
  }

  private mutating func setChecksum(_ flag: MCArguments.Given) throws(ConversionProblem) {
    switch flag.value.uppercased() {
    case "CRC64NVME", "CRC64N": set(flag, ["    checksum: crc64nvme"], key: "checksum")
    case "CRC32C", "CRC32C-FO": set(flag, ["    checksum: crc32c"], key: "checksum")
    case "SHA256": set(flag, ["    checksum: sha256"], key: "checksum")
    case "MD5": set(flag, ["    checksum: md5"], key: "checksum")
    case "CRC32", "CRC32-FO", "SHA1":
      note(flag, "there are crc64nvme, crc32c, sha256 and md5; without 'checksum' what was sent is proven, too")
    default:
      throw ConversionProblem(
        message: "\(flag.name): '\(escaped(flag.value.utf8.prefix(80)))' is none of mc's checksums", isUsage: true)
    }
  }

  private mutating func setWorkers(_ flag: MCArguments.Given) throws(ConversionProblem) {
    guard let count = Int(flag.value) else {
      throw ConversionProblem(
        message: "\(flag.name): '\(escaped(flag.value.utf8.prefix(80)))' is not a number", isUsage: true)
    }
    if count < 1 { return needless.append("\(flag.name): without a number there are 64 requests at once") }
    set(flag, ["    transfers: \(min(count, 1024))"])
  }

  private mutating func setBandwidth(_ flag: MCArguments.Given) throws(ConversionProblem) {
    switch MCRate.reading(flag.value) {
    case .rate(let rate): set(flag, ["    bandwidth: \(rate)"])
    case .unlimited: needless.append("\(flag.name): no limit is the default")
    case .outOfBounds: note(flag, "'bandwidth' goes from 1KiB/s to 1TiB/s")
    case nil:
      throw ConversionProblem(
        message: "\(flag.name): '\(escaped(flag.value.utf8.prefix(80)))' is not a size, as 100MiB is", isUsage: true)
    }
  }
}
