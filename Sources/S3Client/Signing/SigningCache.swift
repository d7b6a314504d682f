import SlipwayModel
import Synchronization

/// What signatures of the same second have in common: the date's text and the derived key. Any thread.
final class SigningCache: Sendable {
  /// A moment and the key of its day.
  struct Moment: Sendable {
    /// `20130524T000000Z`.
    let time: [UInt8]
    let key: SigningKey
  }

  /// An object, so that who reads it copies one reference and not all that it holds.
  private final class Entry: Sendable {
    let second: Int64
    let day: [UInt8]
    let credentials: S3Credentials
    let moment: Moment

    init(second: Int64, day: [UInt8], credentials: S3Credentials, moment: Moment) {
      self.second = second
      self.day = day
      self.credentials = credentials
      self.moment = moment
    }
  }

  private let region: String
  private let service: String
  private let latest = Mutex<Entry?>(nil)

  init(region: String, service: String) {
    self.region = region
    self.service = service
  }

  /// Throws where libcrypto has no SHA-256.
  func moment(_ now: Timestamp, _ credentials: S3Credentials) throws(Failure) -> Moment {
    let second = now.nanoseconds / 1_000_000_000
    let known = latest.withLock { $0 }
    if let known, known.second == second, known.credentials == credentials { return known.moment }
    let entry = try entry(second, credentials, known)
    latest.withLock { $0 = entry }
    return entry.moment
  }

  private func entry(_ second: Int64, _ credentials: S3Credentials, _ known: Entry?) throws(Failure) -> Entry {
    let time = Array(CalendarDate(Timestamp(seconds: second)).basicFormat.utf8)
    let day = Array(time.prefix(8))
    let isSameKey = known.map { $0.day == day && $0.credentials == credentials } ?? false
    let key =
      if isSameKey, let known { known.moment.key } else {
        try SigningKey(secret: credentials.secretAccessKey, day: day, region: region, service: service)
      }
    return Entry(second: second, day: day, credentials: credentials, moment: Moment(time: time, key: key))
  }
}
