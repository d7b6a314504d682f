import SlipwayModel
import Synchronization

/// The token of a login to IAM Identity Center, as it lies in `~/.aws/sso/cache`, and what renews it.
struct SSOToken: Sendable {
  /// What CreateToken is given for a new one.
  struct Renewal: Sendable {
    let clientID: Secret
    let clientSecret: Secret
    let refreshToken: Secret
    /// The end of the client's registration.
    let end: Timestamp
  }

  let access: Secret
  let expiry: Timestamp
  /// nil: only the next login brings a new one.
  let renewal: Renewal?
  /// All that its file says: other tools have written it, and read it.
  private let members: [String: JSONValue]

  /// What a token may live at the most, whatever is answered; in seconds.
  private static let longestLife: Int64 = 366 * 86_400

  /// nil if the file holds no token.
  init?(_ file: [UInt8]) {
    guard case .object(let members) = JSONValue(file) else { return nil }
    self.init(members)
  }

  private init?(_ members: [String: JSONValue]) {
    let value = JSONValue.object(members)
    guard let access = value.text("accessToken"), let expiry = value.text("expiresAt").flatMap(Self.date) else {
      return nil
    }
    self.access = Secret(access)
    self.expiry = expiry
    renewal = Self.renewal(value)
    self.members = members
  }

  private static func renewal(_ value: JSONValue) -> Renewal? {
    guard let id = value.text("clientId"), let secret = value.text("clientSecret"),
      let token = value.text("refreshToken"), let end = value.text("registrationExpiresAt").flatMap(date)
    else { return nil }
    return Renewal(clientID: Secret(id), clientSecret: Secret(secret), refreshToken: Secret(token), end: end)
  }

  /// Early versions of the AWS command line wrote `UTC` for `Z`.
  private static func date(_ text: String) -> Timestamp? {
    Timestamp(expiry: text.hasSuffix("UTC") ? text.dropLast(3) + "Z" : text)
  }

  /// The token that CreateToken has answered with at `moment`, with all else as it was; nil if it is none. A refresh
  /// token that it gives takes the place of the one that was used.
  func renewed(by answer: [UInt8], at moment: Timestamp) -> SSOToken? {
    guard case .object(let said) = JSONValue(answer), let access = said["accessToken"],
      case .number(let text)? = said["expiresIn"], let seconds = Int64(text), seconds > 0
    else { return nil }
    var members = members
    members["accessToken"] = access
    let end = moment + .seconds(min(seconds, Self.longestLife))
    members["expiresAt"] = .string(CalendarDate(end).extendedFormat)
    if case .string(let token)? = said["refreshToken"], !token.isEmpty { members["refreshToken"] = .string(token) }
    return SSOToken(members)
  }

  /// What its file is to hold.
  var document: [UInt8] { JSONValue.object(members).document }
}

/// Tokens that were renewed in this process, by the paths of their files: a file may be one that cannot be written. Any
/// task.
final class SSOTokenMemory: Sendable {
  private let tokens = Mutex<[String: SSOToken]>([:])

  func keep(_ token: SSOToken, of path: String) {
    tokens.withLock { $0[path] = token }
  }

  /// The one that is good for longer, the file's or the one that was kept.
  func later(_ found: SSOToken?, of path: String) -> SSOToken? {
    tokens.withLock { tokens in
      guard let kept = tokens[path], kept.expiry > found?.expiry ?? Timestamp(nanoseconds: .min) else { return found }
      return kept
    }
  }
}
