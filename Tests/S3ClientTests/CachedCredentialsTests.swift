import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import S3Client

@Suite("Credentials that expire")
struct CachedCredentialsTests {
  let clock = ManualClock(now: Timestamp(seconds: 0))
  static let hour = Timestamp(seconds: 3600)
  static let later = Timestamp(seconds: 7200)
  static let down = Failure(.transient(retryAfter: nil), "get credentials from", "x", code: "Down", cause: "down")

  private func cache(_ source: ScriptedSource) -> CachedCredentials {
    let chain = CredentialChain([source], subject: "s3://b")
    let clock = clock
    return CachedCredentials(now: { clock.now() }, jitter: { 0 }) { () async throws(Failure) in try await chain.fetch()
    }
  }

  private func turn(to seconds: Int64) { clock.advance(by: Timestamp(seconds: seconds) - clock.now()) }

  @Test("Many callers at once share one fetch")
  func sharing() async throws {
    let gate = Gate()
    let source = ScriptedSource(gate: gate, .gives("A", until: Self.hour))
    let cache = cache(source)
    let found = try await withThrowingTaskGroup(of: S3Credentials.self) { group in
      for _ in 0..<50 { group.addTask { try await cache.credentials() } }
      await gate.open()
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(found == Array(repeating: keys("A"), count: 50))
    #expect(source.count == 1)
  }

  @Test("Ahead of the end new keys are fetched beside, and nobody waits for them")
  func ahead() async throws {
    let gate = Gate()
    let source = ScriptedSource(gate: gate, .gives("A", until: Self.hour), .gives("B", until: Self.later))
    let cache = cache(source)
    async let first = cache.credentials()
    await gate.open()
    #expect(try await first == keys("A"))
    turn(to: 3299)
    #expect(try await cache.credentials() == keys("A"))
    turn(to: 3300)
    #expect(try await cache.credentials() == keys("A"))
    // It stands at the gate now; to ask for others than A is to wait for it.
    async let second = cache.credentials(insteadOf: keys("A"))
    await gate.open()
    #expect(try await second == keys("B"))
    #expect(try await cache.credentials() == keys("B"))
    #expect(source.count == 2)
  }

  @Test("In the last minute a failed fetch leaves the old keys; after their end there are none")
  func failing() async throws {
    let source = ScriptedSource(.gives("A", until: Self.hour), .failure(Self.down), .failure(Self.down))
    let cache = cache(source)
    _ = try await cache.credentials()
    turn(to: 3550)
    #expect(try await cache.credentials() == keys("A"))
    #expect(try await cache.credentials() == keys("A"))
    #expect(source.count == 2)
    turn(to: 3600)
    await #expect(throws: Self.down) { try await cache.credentials() }
    #expect(source.count == 3)
  }

  @Test("Keys that have expired already are not taken")
  func stale() async throws {
    let source = ScriptedSource(.gives("A", until: Timestamp(seconds: 0)), .gives("B"))
    let cache = cache(source)
    let failure = await #expect(throws: Failure.self) { try await cache.credentials() }
    #expect(failure?.code == "ExpiredCredentials")
    turn(to: 1)
    #expect(try await cache.credentials() == keys("B"))
  }

  @Test("A failed fetch is everybody's answer for a moment, and no longer where the clock is set back")
  func failedBefore() async throws {
    let source = ScriptedSource(.failure(Self.down), .failure(Self.down), .gives("A"))
    let now = Mutex(Timestamp(seconds: 100))
    let cache = CachedCredentials(now: { now.withLock { $0 } }, jitter: { 0 }) { () async throws(Failure) in
      try await CredentialChain([source], subject: "s3://b").fetch()
    }
    for _ in 0..<5 { await #expect(throws: Self.down) { try await cache.credentials() } }
    #expect(source.count == 1)
    now.withLock { $0 = Timestamp(seconds: 50) }
    await #expect(throws: Self.down) { try await cache.credentials() }
    #expect(source.count == 2)
    now.withLock { $0 = Timestamp(seconds: 51) }
    #expect(try await cache.credentials() == keys("A"))
  }

  @Test("Keys that a server refused are fetched anew once, however many were refused")
  func refused() async throws {
    let source = ScriptedSource(.gives("A", until: Self.later), .gives("B", until: Self.later))
    let cache = cache(source)
    _ = try await cache.credentials()
    #expect(try await cache.credentials(insteadOf: keys("A")) == keys("B"))
    #expect(try await cache.credentials(insteadOf: keys("A")) == keys("B"))
    #expect(source.count == 2)
  }

  @Test("Keys may change untold only where they have no end", arguments: [nil, hour])
  func untold(expiry: Timestamp?) async throws {
    let cache = cache(ScriptedSource(.gives("A", until: expiry)))
    #expect(!cache.mayChangeUntold)
    _ = try await cache.credentials()
    #expect(cache.mayChangeUntold == (expiry == nil))
  }

  @Test("Keys without an end are fetched once")
  func endless() async throws {
    let source = ScriptedSource(.gives("A"))
    let cache = cache(source)
    _ = try await cache.credentials()
    turn(to: 1 << 32)
    #expect(try await cache.credentials() == keys("A"))
    #expect(source.count == 1)
  }

  @Test("A service that gives the same keys until their end is not asked at each request")
  func sameKeys() async throws {
    let short = Timestamp(seconds: 200)
    let source = ScriptedSource(.gives("A", until: short), .gives("A", until: short))
    let cache = cache(source)
    for _ in 0..<5 { _ = try await cache.credentials() }
    #expect(source.count == 1)
  }

  @Test("A source that has no others for refused keys is not asked for each request that is refused")
  func vain() async throws {
    let source = ScriptedSource(.gives("A"), .gives("A"), .gives("B"))
    let cache = cache(source)
    _ = try await cache.credentials()
    for _ in 0..<5 { #expect(try await cache.credentials(insteadOf: keys("A")) == keys("A")) }
    #expect(source.count == 2)
    turn(to: 31)
    #expect(try await cache.credentials(insteadOf: keys("A")) == keys("B"))
  }
}
