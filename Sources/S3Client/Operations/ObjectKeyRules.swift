import SlipwayModel

extension S3Client {
  /// The longest key, in bytes (S3 User Guide, object key names).
  package static let keyLimit = 1024

  /// Throws a permanent error for a key that no S3 server could hold.
  func checkKey(_ key: ObjectKey, _ operation: String) throws(S3Error) {
    func refuse(_ code: String, _ cause: String, _ remedy: String = "") -> S3Error {
      S3Error(Failure(.permanent, operation, endpoint.subject(key), code: code, cause: cause, remedy: remedy))
    }
    if key.bytes.isEmpty { throw refuse("InvalidKey", "an object needs a key of at least one byte") }
    if key.bytes.count > Self.keyLimit {
      throw refuse("KeyTooLongError", "the key has \(key.bytes.count) bytes, and S3 allows \(Self.keyLimit)")
    }
    if !isUTF8(key.bytes) {
      throw refuse("InvalidKey", "the key is not UTF-8, as S3 asks for", "rename the file")
    }
  }

  private func isUTF8(_ bytes: [UInt8]) -> Bool {
    if bytes.allSatisfy({ $0 < 0x80 }) { return true }
    return String(validating: bytes, as: UTF8.self) != nil
  }
}
