import SlipwayModel

/// What bowser's `bowser.toml` says, as far as it is known, and notes on what is not.
struct BowserConfiguration {
  struct Bucket: Equatable {
    let name: String
    /// As it stands there; empty for none.
    let prefix: String
    /// nil: not said.
    let region: String?
    /// Of the backends that are taken over, from 1: buckets of one share its keys.
    let backend: Int
  }

  private(set) var isDryRun = false
  /// As .gitignore has them.
  private(set) var ignored: [String] = []
  private(set) var buckets: [Bucket] = []
  private(set) var backendCount = 0
  /// What is not taken over, and why.
  private(set) var notes: [String] = []

  init(_ document: TOMLItem) throws(ConversionProblem) {
    let top = try document.entries("the file")
    noteUnknown(top, known: ["bowser"], in: "")
    guard let item = top["bowser"] else { throw ConversionProblem(message: "there is no table [bowser]") }
    let bowser = try item.entries("bowser")
    noteUnknown(bowser, known: ["dry_run", "ignore", "backends", "polling_interval"], in: "bowser.")
    isDryRun = try bowser["dry_run"]?.boolean("bowser.dry_run") ?? false
    ignored = try bowser["ignore"]?.texts("bowser.ignore") ?? []
    if bowser["polling_interval"] != nil {
      notes.append("bowser.polling_interval: events are followed, and polled only where there are none (settings.poll)")
    }
    for (index, backend) in (try bowser["backends"]?.items("bowser.backends") ?? []).enumerated() {
      try take(backend, "bowser.backends[\(index)]")
    }
    if buckets.isEmpty { throw ConversionProblem(message: "bowser.backends: there is no bucket to upload to") }
  }

  private mutating func take(_ backend: TOMLItem, _ path: String) throws(ConversionProblem) {
    let entries = try backend.entries(path)
    let kind = try entries["kind"]?.text("\(path).kind") ?? ""
    guard kind == "AWS-S3" else {
      notes.append("\(path): only the kind 'AWS-S3' is known, this one is '\(escaped(kind.utf8.prefix(80)))'")
      return
    }
    noteUnknown(
      entries, known: ["kind", "region", "access_key_id", "secret_access_key", "buckets"], in: "\(path).")
    let region = try entries["region"]?.text("\(path).region")
    if region == nil { notes.append("\(path).region: it is missing; AWS_REGION counts") }
    let found = try entries["buckets"]?.items("\(path).buckets") ?? []
    if found.isEmpty { notes.append("\(path): it has no buckets") } else { backendCount += 1 }
    for (index, bucket) in found.enumerated() { try take(bucket, region, "\(path).buckets[\(index)]") }
  }

  private mutating func take(_ item: TOMLItem, _ region: String?, _ path: String) throws(ConversionProblem) {
    let entries = try item.entries(path)
    noteUnknown(entries, known: ["name", "prefix", "key", "link"], in: "\(path).")
    guard let name = try entries["name"]?.text("\(path).name") else {
      throw ConversionProblem(message: "\(path).name: it is missing")
    }
    if entries["link"] != nil {
      notes.append("\(path).link: no second object is made under another key; a post hook can copy it")
    }
    // Earlier versions called it `key`.
    let former = try entries["key"]?.text("\(path).key") ?? ""
    let prefix = try entries["prefix"]?.text("\(path).prefix") ?? former
    let isThere = buckets.contains { $0.name == name && $0.prefix == prefix && $0.region == region }
    if isThere { notes.append("\(path): this place is there already") }
    if !isThere { buckets.append(Bucket(name: name, prefix: prefix, region: region, backend: backendCount)) }
  }

  private mutating func noteUnknown(_ entries: [String: TOMLItem], known: [String], in path: String) {
    for key in entries.keys.sorted() where !known.contains(key) {
      notes.append("\(path)\(escaped(key.utf8.prefix(80))): this key is unknown")
    }
  }
}

extension TOMLItem {
  fileprivate func entries(_ path: String) throws(ConversionProblem) -> [String: TOMLItem] {
    if case .table(let entries) = self { return entries }
    throw ConversionProblem(message: "\(path): expected a table")
  }

  fileprivate func items(_ path: String) throws(ConversionProblem) -> [TOMLItem] {
    if case .array(let items) = self { return items }
    throw ConversionProblem(message: "\(path): expected an array")
  }

  fileprivate func text(_ path: String) throws(ConversionProblem) -> String {
    if case .text(let text) = self { return text }
    throw ConversionProblem(message: "\(path): expected a text")
  }

  fileprivate func boolean(_ path: String) throws(ConversionProblem) -> Bool {
    if case .boolean(let value) = self { return value }
    throw ConversionProblem(message: "\(path): expected true or false")
  }

  fileprivate func texts(_ path: String) throws(ConversionProblem) -> [String] {
    var texts: [String] = []
    for item in try items(path) { texts.append(try item.text(path)) }
    return texts
  }
}
