import CLibcrypto
import SlipwayModel

/// An algorithm of libcrypto, fetched once for the life of the process: OpenSSL 3 looks it up again, under locks, each
/// time that `EVP_sha256()` is given to it.
///
/// Sendable by hand: an EVP_MD does not change after it was fetched (EVP_MD_fetch(3)), and it is never freed.
struct DigestAlgorithm: @unchecked Sendable {
  let name: String
  /// In bytes.
  let size: Int
  let method: OpaquePointer
  let contexts: DigestContextPool

  static func fetched(_ algorithm: MessageDigest.Algorithm) throws(Failure) -> DigestAlgorithm {
    switch algorithm {
    case .sha256:
      guard let sha256 else { throw refused("SHA256") }
      return sha256
    case .md5:
      guard let md5 else { throw refused("MD5") }
      return md5
    case .sha1:
      guard let sha1 else { throw refused("SHA1") }
      return sha1
    }
  }

  static func refused(_ name: String) -> Failure {
    Failure(
      .permanent, "compute", "a checksum", code: name, cause: "libcrypto does not offer \(name)",
      remedy: "choose another checksum for the destination")
  }

  private static let sha256 = DigestAlgorithm("SHA256")
  private static let md5 = DigestAlgorithm("MD5")
  private static let sha1 = DigestAlgorithm("SHA1")

  private init?(_ name: String) {
    guard let method = EVP_MD_fetch(nil, name, nil) else { return nil }
    self.name = name
    self.method = method
    self.size = Int(EVP_MD_get_size(method))
    self.contexts = DigestContextPool()
  }
}
