import Glibc
import SlipwayModel
import Synchronization

/// A destination in memory: it keeps what it is given, tells what it was asked, and fails where it is told to.
package final class InMemoryStore: ObjectStore {
  /// One call of `put`, whatever its end.
  package struct Put: Sendable, Hashable {
    package let key: ObjectKey
    package let fingerprint: Fingerprint
    package let attributes: ObjectAttributes
    package let wasAccepted: Bool
  }

  struct State {
    var objects: [ObjectKey: [UInt8]] = [:]
    var puts: [Put] = []
    var place = "memory"
    var abandoned: [MultipartUpload] = []
    var swept: [UnansweredUpload] = []
    var settlements = 0
    var listings = 0
    var listFailure: (failure: Failure, after: Int)?
    var copies: [ObjectKey] = []
    var deletes: [[ObjectKey]] = []
    var deleteFailure: Failure?
    var tellsETags = false
    var isDirectory = false
    var failures: [ObjectKey: (failure: Failure, times: Int)] = [:]
    var general: (failure: Failure, times: Int)?
    var settleFailure: (failure: Failure, times: Int)?
  }

  let state = Mutex(State())
  private let keepsEqual: Bool
  private let gate: (@Sendable (ObjectKey) async -> Void)?

  /// With `keepsEqual` an object that has the file's content is left as it is, as `overwrite: different` does. `gate` is
  /// awaited at the beginning of each put, so that a test can hold it there.
  package init(keepsEqual: Bool = false, gate: (@Sendable (ObjectKey) async -> Void)? = nil) {
    self.keepsEqual = keepsEqual
    self.gate = gate
  }

  package var objects: [ObjectKey: [UInt8]] { state.withLock { $0.objects } }
  package var puts: [Put] { state.withLock { $0.puts } }
  package var abandoned: [MultipartUpload] { state.withLock { $0.abandoned } }
  package var swept: [UnansweredUpload] { state.withLock { $0.swept } }
  /// How many listings were begun.
  package var listings: Int { state.withLock { $0.listings } }
  /// The keys that were copied to.
  package var copies: [ObjectKey] { state.withLock { $0.copies } }
  /// The calls of `delete`.
  package var deletes: [[ObjectKey]] { state.withLock { $0.deletes } }

  /// From now on it tells an ETag of each object, that of its content.
  package func tellETags() { state.withLock { $0.tellsETags = true } }

  /// From now on no object lies below another one's name.
  package func actAsDirectory() { state.withLock { $0.isDirectory = true } }

  func obstacle(_ key: ObjectKey) -> Failure? {
    state.withLock { state in
      guard state.isDirectory else { return nil }
      let slash = [UInt8(ascii: "/")]
      let other = state.objects.keys.first {
        $0.bytes.starts(with: key.bytes + slash) || key.bytes.starts(with: $0.bytes + slash)
      }
      return other.map {
        Failure(.permanent, "upload", key.description, code: Failure.inTheWay, cause: "\($0) lies in its way")
      }
    }
  }

  /// Every listing throws `failure` after so many objects.
  package func failListings(with failure: Failure?, after count: Int = 0) {
    state.withLock { $0.listFailure = failure.map { ($0, count) } }
  }

  /// Every delete throws `failure`.
  package func failDeletes(with failure: Failure?) { state.withLock { $0.deleteFailure = failure } }

  /// As somebody else might store it.
  package func place(_ content: [UInt8], at key: ObjectKey) { state.withLock { $0.objects[key] = content } }

  func etag(of content: [UInt8]) -> String {
    guard state.withLock({ $0.tellsETags }) else { return "" }
    // FNV-1a.
    let hash = content.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    return String(hash, radix: 16)
  }

  package var settlements: Int { state.withLock { $0.settlements } }

  /// The next `times` puts of `key` throw `failure`.
  package func fail(_ key: ObjectKey, with failure: Failure, times: Int = 1) {
    state.withLock { $0.failures[key] = (failure, times) }
  }

  /// The next `times` puts of any key throw `failure`.
  package func failAll(with failure: Failure, times: Int = .max) {
    state.withLock { $0.general = (failure, times) }
  }

  package func failSettle(with failure: Failure, times: Int = 1) {
    state.withLock { $0.settleFailure = (failure, times) }
  }

  /// Nothing fails any more.
  package func recover() {
    state.withLock { state in
      state.failures = [:]
      state.general = nil
      state.settleFailure = nil
    }
  }

  package func put(
    _ file: any OpenFile, at key: ObjectKey, _ context: PutContext
  ) async throws(Failure) -> PutReceipt {
    let attributes = context.attributes
    await gate?(key)
    if let failure = takeFailure(of: key) ?? obstacle(key) {
      record(file, key, attributes, wasAccepted: false)
      throw failure
    }
    do throws(Failure) {
      let content = try read(file, key)
      if keepsEqual, objects[key] == content {
        return PutReceipt(size: Int64(content.count), etag: etag(of: content), checksum: nil, isSent: false)
      }
      context.progress.sent(Int64(content.count))
      state.withLock { $0.objects[key] = content }
      record(file, key, attributes, wasAccepted: true)
      return PutReceipt(size: Int64(content.count), etag: etag(of: content), checksum: nil)
    } catch {
      record(file, key, attributes, wasAccepted: false)
      throw error
    }
  }

  /// It sends nothing in parts; what somebody else began is remembered as abandoned.
  package func abandon(_ upload: MultipartUpload) async throws(Failure) {
    if let failure = takeFailure(of: upload.key) { throw failure }
    state.withLock { $0.abandoned.append(upload) }
  }

  package func abandon(
    _ upload: UnansweredUpload, unless isInUse: @Sendable () async throws(Failure) -> Bool
  ) async throws(Failure) {
    if let failure = takeFailure(of: upload.key) { throw failure }
    if try await isInUse() { return }
    state.withLock { $0.swept.append(upload) }
  }

  package func settle(_ runs: [RunID]) async throws(Failure) {
    let failure = state.withLock { state -> Failure? in
      state.settlements += 1
      return Self.take(&state.settleFailure)
    }
    if let failure { throw failure }
  }

  package func url(of key: ObjectKey) -> String { "\(state.withLock { $0.place }):\(key)" }

  /// Is another place from now on, where nothing lies.
  package func move(to place: String) {
    state.withLock { state in
      state.place = place
      state.objects = [:]
    }
  }

  private func record(_ file: any OpenFile, _ key: ObjectKey, _ attributes: ObjectAttributes, wasAccepted: Bool) {
    let put = Put(key: key, fingerprint: file.fingerprint, attributes: attributes, wasAccepted: wasAccepted)
    state.withLock { $0.puts.append(put) }
  }

  private func takeFailure(of key: ObjectKey) -> Failure? {
    state.withLock { state in Self.take(&state.failures[key]) ?? Self.take(&state.general) }
  }

  private static func take(_ planned: inout (failure: Failure, times: Int)?) -> Failure? {
    guard let (failure, times) = planned, times > 0 else { return nil }
    planned = times == 1 ? nil : (failure, times - 1)
    return failure
  }

  func read(_ file: any OpenFile, _ key: ObjectKey) throws(Failure) -> [UInt8] {
    var content = [UInt8](repeating: 0, count: Int(file.fingerprint.size) + 1)
    var filled = 0
    while filled < content.count {
      let count = content.withUnsafeMutableBytes { bytes in
        pread(file.descriptor, bytes.baseAddress.map { $0 + filled }, bytes.count - filled, off_t(filled))
      }
      if count < 0 { throw Failure(.permanent, "upload", key.description, cause: String(cString: strerror(errno))) }
      if count == 0 { break }
      filled += count
    }
    guard Int64(filled) == file.fingerprint.size else {
      throw Failure(
        .transient(retryAfter: nil), "upload", key.description, code: "SourceChanged",
        cause: "the file changed while it was sent")
    }
    return Array(content[..<filled])
  }
}
