import SlipwayModel
import Synchronization

/// Keeps fetched keys and renews them ahead of their end, by one fetch for everybody. Any task.
///
/// While the old keys are good nobody waits: the new ones are fetched beside. In the last minute everybody waits, and
/// after their end keys are never given out, whatever becomes of the fetch.
package final class CachedCredentials: CredentialProvider {
  /// How long before their end keys are renewed at the latest; up to a fifth more by lot, so that machines that
  /// started together do not ask together.
  package static let ahead = Duration.seconds(300)
  /// From here on to the end callers wait for new keys.
  package static let lastMoments = Duration.seconds(60)
  /// At the least between two fetches beside; less if the keys have less to live. Also between two fetches in place of
  /// refused keys that bring nothing new.
  package static let pause = Duration.seconds(30)
  /// So long a failed fetch is the answer to whoever asks: a thousand files do not ask a metadata service a thousand
  /// times, and the tries of one request are not all answered by one failure.
  package static let failurePause = Duration.milliseconds(250)

  private struct State {
    var current: TimedCredentials?
    /// From when on keys that are still good are renewed.
    var renewal = Timestamp(nanoseconds: .min)
    var fetch: Task<Result<S3Credentials, Failure>, Never>?
    /// The latest fetch, if it has failed, and when.
    var failed: (fetch: Task<Result<S3Credentials, Failure>, Never>, at: Timestamp)?
    /// Keys that were refused and fetched once more all the same, and until when nobody asks again for others.
    var vain: (keys: S3Credentials, until: Timestamp)?
  }

  private let source: @Sendable () async throws(Failure) -> TimedCredentials
  private let now: @Sendable () -> Timestamp
  /// In 0...1.
  private let jitter: @Sendable () -> Double
  private let state = Mutex(State())

  package init(
    now: @escaping @Sendable () -> Timestamp, jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) },
    source: @escaping @Sendable () async throws(Failure) -> TimedCredentials
  ) {
    self.source = source
    self.now = now
    self.jitter = jitter
  }

  nonisolated(nonsending) package func credentials() async throws(Failure) -> S3Credentials {
    let moment = now()
    let step = state.withLock { state -> Step in self.step(&state, moment) }
    switch step {
    case .use(let keys): return keys
    case .wait(let fetch): return try await keys(of: fetch)
    }
  }

  /// Keys that expire are renewed in time; those that do not may have been corrected or rotated in their file.
  package var mayChangeUntold: Bool { state.withLock { $0.current.map { $0.expiry == nil } ?? false } }

  package func credentials(insteadOf refused: S3Credentials) async throws(Failure) -> S3Credentials {
    let moment = now()
    let step = state.withLock { state -> Step in
      if let current = state.current, current.keys != refused, !current.isExpired(at: moment) {
        return .use(current.keys)
      }
      if let vain = state.vain, vain.keys == refused, moment < vain.until { return .use(refused) }
      return .wait(fetch(&state, moment))
    }
    switch step {
    case .use(let keys): return keys
    case .wait(let fetch):
      let found = try await fetch.value.get()
      if found == refused { state.withLock { $0.vain = (refused, moment + Self.pause) } }
      return found
    }
  }

  private enum Step {
    case use(S3Credentials)
    case wait(Task<Result<S3Credentials, Failure>, Never>)
  }

  private func step(_ state: inout State, _ moment: Timestamp) -> Step {
    guard let current = state.current, !current.isExpired(at: moment) else { return .wait(fetch(&state, moment)) }
    guard let expiry = current.expiry, moment >= state.renewal else { return .use(current.keys) }
    let running = fetch(&state, moment)
    return expiry - moment > Self.lastMoments ? .use(current.keys) : .wait(running)
  }

  /// The keys that a fetch brings; if it fails, the old ones as long as they are good.
  nonisolated(nonsending) private func keys(of fetch: Task<Result<S3Credentials, Failure>, Never>) async throws(Failure)
    -> S3Credentials
  {
    let result = await fetch.value
    guard case .failure = result else { return try result.get() }
    let moment = now()
    let old = state.withLock { $0.current }
    if let old, !old.isExpired(at: moment) { return old.keys }
    return try result.get()
  }

  /// The fetch that is under way, or has just failed, or a new one. It belongs to nobody: a caller that is cancelled
  /// takes it from no other.
  private func fetch(_ state: inout State, _ moment: Timestamp) -> Task<Result<S3Credentials, Failure>, Never> {
    if let running = state.fetch { return running }
    // A clock that was set back does not prolong it.
    if let (fetch, time) = state.failed, time <= moment, moment - time < Self.failurePause { return fetch }
    let task = Task { await self.renew() }
    state.fetch = task
    return task
  }

  private func renew() async -> Result<S3Credentials, Failure> {
    let result: Result<TimedCredentials, Failure>
    do throws(Failure) {
      result = .success(try await source())
    } catch {
      result = .failure(error)
    }
    let moment = now()
    let share = jitter()
    return state.withLock { state in
      state.failed = nil
      defer { state.fetch = nil }
      state.renewal = moment + Self.pause
      guard case .success(let found) = result, !found.isExpired(at: moment) else {
        state.failed = state.fetch.map { ($0, moment) }
        return result.flatMap { _ in .failure(Self.stale) }
      }
      state.current = found
      state.renewal = Self.renewal(of: found, fetched: moment, share)
      return .success(found.keys)
    }
  }

  /// Metadata services give the same keys until shortly before their end: they are not asked at each request then.
  private static func renewal(of found: TimedCredentials, fetched: Timestamp, _ share: Double) -> Timestamp {
    guard let expiry = found.expiry else { return Timestamp(nanoseconds: .max) }
    let planned = expiry + (.zero - ahead * (1 + share / 5))
    return max(planned, fetched + min(pause, (expiry - fetched) / 2))
  }

  private static let stale = Failure(
    .transient(retryAfter: nil), "get", "credentials", code: "ExpiredCredentials",
    cause: "the keys that were given have expired already", remedy: "renew them, or set this machine's clock")
}
