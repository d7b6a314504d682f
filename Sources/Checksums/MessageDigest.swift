import CLibcrypto
import SlipwayModel

/// A digest over bytes that come one after the other.
///
/// For one thread at a time; many may be under way at once. Memory does not grow with the message.
package struct MessageDigest: ~Copyable {
  /// What libcrypto computes.
  package enum Algorithm: Sendable, Hashable {
    case md5, sha256
    /// Only for names that others have made by it.
    case sha1
  }

  private let context: DigestContext
  private let algorithm: DigestAlgorithm
  private var isSound: Bool

  /// Throws a permanent failure where libcrypto does not offer the algorithm: in FIPS mode there is no MD5.
  package init(_ algorithm: Algorithm) throws(Failure) {
    let fetched = try DigestAlgorithm.fetched(algorithm)
    let context = try fetched.contexts.take()
    self.algorithm = fetched
    self.context = context
    // Starts the context anew; what it has allocated for the same algorithm is kept.
    self.isSound = EVP_DigestInit_ex2(context.pointer, fetched.method, nil) == 1
  }

  deinit {
    algorithm.contexts.giveBack(context)
  }

  /// Adds `bytes` to the message.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if let start = bytes.baseAddress, EVP_DigestUpdate(context.pointer, start, bytes.count) != 1 { isSound = false }
  }

  /// Adds `bytes` to the message.
  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The digest of all that was added. Throws a permanent failure if libcrypto refused any step.
  package consuming func finalize() throws(Failure) -> [UInt8] {
    try endMessage()
  }

  /// The digest, after which the same context begins another message: an HMAC needs two.
  mutating func finalizeAndRestart() throws(Failure) -> [UInt8] {
    let value = try endMessage()
    isSound = EVP_DigestInit_ex2(context.pointer, nil, nil) == 1
    return value
  }

  private mutating func endMessage() throws(Failure) -> [UInt8] {
    let (pointer, size) = (context.pointer, algorithm.size)
    // By way of the stack: the compiler does not specialise what makes an array of a size without its content.
    let value = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { buffer in
      if EVP_DigestFinal_ex(pointer, buffer.baseAddress, nil) != 1 { isSound = false }
      return isSound ? Array(buffer) : []
    }
    guard isSound else { throw DigestAlgorithm.refused(algorithm.name) }
    return value
  }
}

extension MessageDigest {
  /// The digest of one message. Throws as `init` does.
  package static func of(
    _ bytes: UnsafeRawBufferPointer, by algorithm: Algorithm
  ) throws(Failure) -> [UInt8] {
    var digest = try MessageDigest(algorithm)
    digest.update(bytes)
    return try digest.finalize()
  }

  /// The digest of one message. Throws as `init` does.
  package static func of(_ bytes: [UInt8], by algorithm: Algorithm) throws(Failure) -> [UInt8] {
    var digest = try MessageDigest(algorithm)
    digest.update(bytes)
    return try digest.finalize()
  }
}
