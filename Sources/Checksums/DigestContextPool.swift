import CLibcrypto
import SlipwayModel
import Synchronization

/// A libcrypto context, used by one digest at a time.
///
/// Sendable by hand: whoever took it from the pool is its only owner until it is given back.
struct DigestContext: @unchecked Sendable {
  let pointer: OpaquePointer
}

/// Contexts that have been used and may be used again by the same algorithm. Any thread.
final class DigestContextPool: Sendable {
  /// How many idle contexts are kept; each has some 300 bytes.
  static let idleLimit = 64

  private let idle = Mutex<[DigestContext]>([])

  func take() throws(Failure) -> DigestContext {
    if let context = idle.withLock({ $0.popLast() }) { return context }
    guard let pointer = EVP_MD_CTX_new() else {
      throw Failure(.transient(retryAfter: nil), "compute", "a checksum", code: "ENOMEM", cause: "out of memory")
    }
    return DigestContext(pointer: pointer)
  }

  func giveBack(_ context: DigestContext) {
    let isKept = idle.withLock { contexts in
      guard contexts.count < Self.idleLimit else { return false }
      contexts.append(context)
      return true
    }
    if !isKept { EVP_MD_CTX_free(context.pointer) }
  }
}
