/// `sidecar:` of a workflow: the file `x.metadata` gives the object tags of `x.*` beside it.
///
/// The stem is exact: `x.metadata` belongs to every name that begins with `x.`, and to no other. Of several the one with
/// the longest stem counts, alone: `data.tar.gz` has the tags of `data.tar.metadata`, or else of `data.metadata`.
struct Sidecars: Sendable {
  /// What its name has in place of the extension; begins with a dot.
  private let suffix: [UInt8]
  /// The fingerprint of a file (relative to the watched directory).
  private let lookUp: @Sendable (BytePath) throws(Failure) -> Fingerprint?
  /// Its content.
  private let read: @Sendable (BytePath) throws(Failure) -> [UInt8]?

  /// nil for a workflow that has none.
  init?(
    _ workflow: Workflow, lookUp: @escaping @Sendable (BytePath) throws(Failure) -> Fingerprint?,
    read: @escaping @Sendable (BytePath) throws(Failure) -> [UInt8]?
  ) {
    guard let suffix = workflow.sidecar else { return nil }
    self.suffix = suffix.bytes
    self.lookUp = lookUp
    self.read = read
  }

  struct Sidecar {
    let path: BytePath
    let fingerprint: Fingerprint
  }

  /// The one that counts for the file at `path`; nil if there is none. A name has at most 255 bytes, and so many dots.
  func sidecar(of path: BytePath) throws(Failure) -> Sidecar? {
    let name = path.name.bytes
    for dot in name.indices.dropFirst().reversed() where name[dot] == UInt8(ascii: ".") {
      let candidate = path.parent.appending(BytePath(Array(name[..<dot]) + suffix))
      if let fingerprint = try lookUp(candidate) { return Sidecar(path: candidate, fingerprint: fingerprint) }
    }
    return nil
  }

  /// What it says. Throws a permanent failure of `path`, which it belongs to, for what S3 does not take as tags.
  func tags(of path: BytePath, from sidecar: Sidecar) throws(Failure) -> [String: String] {
    // One that has gone in the meantime says nothing, and has another fingerprint.
    guard let bytes = try read(sidecar.path) else { return [:] }
    let members: [(name: String, value: String)]
    do throws(FlatJSONProblem) {
      members = try FlatJSON.members(of: bytes)
    } catch {
      throw refusal(of: path, sidecar, "line \(error.line), column \(error.column): \(error.message)")
    }
    if members.count > AttributeLimits.tags {
      throw refusal(of: path, sidecar, "it has \(members.count) tags, S3 allows \(AttributeLimits.tags)")
    }
    for (name, value) in members {
      if let problem = AttributeLimits.problem(withTag: name, value) {
        throw refusal(of: path, sidecar, "\(problem): '\(escaped(name.utf8.prefix(80)))'")
      }
    }
    return Dictionary(members) { _, last in last }
  }

  private func refusal(of path: BytePath, _ sidecar: Sidecar, _ cause: String) -> Failure {
    Failure(
      .permanent, "upload", path.description, cause: "its sidecar \(sidecar.path): \(cause)",
      remedy: "correct the sidecar, or remove it")
  }
}

extension Workflow {
  /// The longest sidecar that is read, in bytes: ten tags need far less.
  public static let sidecarLimit = 64 * 1024

  /// Whether `name`, a last component, is that of a sidecar: its stem is not empty.
  func isSidecar(_ path: BytePath) -> Bool {
    guard let sidecar else { return false }
    let name = path.name.bytes
    return name.count > sidecar.bytes.count && name[(name.count - sidecar.bytes.count)...].elementsEqual(sidecar.bytes)
  }
}

extension Fingerprint {
  /// As the ledger keeps it of a file that has a sidecar: another one, too, where only the sidecar has changed.
  func marked(by sidecar: Fingerprint?) -> Fingerprint {
    guard let sidecar else { return self }
    // 40 bits: the sum stays far from where it would wrap around.
    let mark = TreeDigest(of: sidecar).identity.modified & 0xFF_FFFF_FFFF
    return Fingerprint(device: device, inode: inode, size: size, modified: modified, changed: changed &+ mark)
  }
}
