import Checksums
import SlipwayModel

/// The key of one day, region and service, derived from a secret (Signature Version 4, step 3).
struct SigningKey: Sendable {
  /// `20130524/us-east-1/s3/aws4_request`.
  let scope: [UInt8]
  private let key: HMACKey

  /// `day` is `20130524`.
  init(secret: Secret, day: [UInt8], region: String, service: String) throws(Failure) {
    let date = try HMACKey(Array("AWS4\(secret.reveal())".utf8)).authenticate(day)
    let regional = try HMACKey(date).authenticate(Array(region.utf8))
    let ofService = try HMACKey(regional).authenticate(Array(service.utf8))
    key = try HMACKey(HMACKey(ofService).authenticate(Array("aws4_request".utf8)))
    scope = day + Array("/\(region)/\(service)/aws4_request".utf8)
  }

  /// The signature of a string to sign, in hexadecimal.
  func signature(of text: [UInt8]) throws(Failure) -> [UInt8] {
    try key.authenticate(text).hexadecimalText
  }
}
