import HTTPTransport
import SlipwayModel

/// What an answer shows to be wrong with a request's signature, where another signature may be right. Pure.
enum SigningFlaw: Hashable {
  case keys
  /// The bucket lies in this region, whose name has been checked.
  case region(String)
  /// The server's clock is ahead of this machine's by so much.
  case clock(Duration)

  enum Kind {
    case keys, region, clock
  }

  var kind: Kind {
    switch self {
    case .keys: .keys
    case .region: .region
    case .clock: .clock
    }
  }

  /// nil for any other answer. `keysMayChange`: there may be others by now, though none were told. `region` is the one
  /// that was signed for; `skew` is nil if the server's clock agrees with the date that was signed.
  init?(
    _ answer: HTTPResponse, isHead: Bool, hasToken: Bool, keysMayChange: Bool, region: String, skew: Duration?
  ) {
    guard Self.statuses.contains(answer.status) else { return nil }
    let said = ErrorAnswer(answer.body)
    let code = said?.code ?? ""
    if Self.expiry.contains(code) {
      self = .keys
    } else if let named = Self.region(answer, said, isHead), named != region {
      self = .region(named)
    } else if let skew, answer.status == 403 || Self.skewed.contains(code) {
      self = .clock(skew)
    } else if isHead, answer.status == 400, hasToken {
      // An answer to HEAD names no code. A token that has expired is the one thing that 400 can mean here and that may
      // pass: the request itself has nothing in it that another one does not have.
      self = .keys
    } else if keysMayChange, answer.status == 401 || answer.status == 403 {
      // A corrected secret is told by SignatureDoesNotMatch, a new user by AccessDenied, and by HEAD nothing at all.
      self = .keys
    } else {
      return nil
    }
  }

  private static let statuses: Set<Int> = [301, 307, 400, 401, 403]

  /// The last one is MinIO's.
  private static let expiry: Set<String> = [
    "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired",
    "InvalidTokenId",
  ]
  private static let skewed: Set<String> = ["RequestTimeTooSkewed", "RequestExpired"]
  private static let elsewhere: Set<String> = [
    "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect",
  ]

  /// The name comes from the body or its own field alone. Where `Location` leads does not matter, since keys sign for
  /// no other server.
  private static func region(_ answer: HTTPResponse, _ said: ErrorAnswer?, _ isHead: Bool) -> String? {
    let isElsewhere = answer.status < 400 || elsewhere.contains(said?.code ?? "") || isHead && answer.status == 400
    return isElsewhere ? said.flatMap { regionName($0.region) } ?? fieldRegion(answer) : nil
  }

  private static func fieldRegion(_ answer: HTTPResponse) -> String? {
    regionName(ErrorAnswer.token(answer.fields.value("x-amz-bucket-region")))
  }

  private static func regionName(_ text: String) -> String? { isRegionName(text) ? text : nil }
}
