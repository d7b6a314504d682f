import HTTPTransport
import SlipwayModel

/// The keys of the EC2 instance's role, by version 2 of its metadata service: a token first, then the role's name, then
/// the keys. Version 1, without a token, is not used.
package struct InstanceCredentials: CredentialSource {
  private let surroundings: CredentialSurroundings
  private let fetch: CredentialFetch

  package init(_ surroundings: CredentialSurroundings) {
    self.surroundings = surroundings
    fetch = CredentialFetch(surroundings: surroundings, limit: Self.limit, usesProxy: false)
  }

  package var name: String { "the instance's metadata service" }

  /// For one try. Short, because on most machines nobody answers.
  static let limit = Duration.seconds(1)

  package func ask() async throws(Failure) -> CredentialAnswer {
    if surroundings.environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true" {
      return .lacking("AWS_EC2_METADATA_DISABLED is true")
    }
    let base = try base()
    let answer: HTTPResponse
    do throws(HTTPTransportError) {
      answer = try await fetch.send(HTTPRequest(.put, base + "/latest/api/token", fields: Self.lifetime))
    } catch {
      return .lacking("it does not answer (\(error.cause))")
    }
    // 403: the service is switched off; 404 and 405: something else answers at this address.
    if [403, 404, 405].contains(answer.status) { return .lacking("it gives no token (\(answer.status))") }
    return try await keys(base + "/latest/meta-data/iam/security-credentials/", token(answer))
  }

  private func keys(_ url: String, _ token: HTTPFields) async throws(Failure) -> CredentialAnswer {
    let roles = try await send(HTTPRequest(.get, url, fields: token), fetch)
    if roles.status == 404 { return .lacking("the instance has no role") }
    guard roles.status == 200 else { throw refusal(roles) }
    let first = roles.body.prefix { $0 != 0x0A && $0 != 0x0D }
    if first.isEmpty { return .lacking("the instance has no role") }
    guard Self.isRole(first) else {
      throw failure(.transient(retryAfter: nil), "InvalidAnswer", "the answer is no role's name")
    }
    return try keys(
      try await send(HTTPRequest(.get, url + String(decoding: first, as: UTF8.self), fields: token), fetch))
  }

  /// Seconds that the token is to live; each fetch takes a new one, so that none is kept too long.
  private static let lifetime = fields("x-aws-ec2-metadata-token-ttl-seconds", "60")

  private func token(_ answer: HTTPResponse) throws(Failure) -> HTTPFields {
    guard answer.status == 200 else { throw refusal(answer) }
    let fields = Self.fields("x-aws-ec2-metadata-token", String(decoding: answer.body, as: UTF8.self))
    guard !answer.body.isEmpty, answer.body.count <= 4096, !fields.isMalformed else {
      throw failure(.transient(retryAfter: nil), "InvalidAnswer", "the answer is no token")
    }
    return fields
  }

  private static func fields(_ name: String, _ value: String) -> HTTPFields {
    var fields = HTTPFields()
    fields.append(name, value)
    return fields
  }

  /// As IAM allows them: the name becomes a part of the path.
  private static func isRole(_ name: ArraySlice<UInt8>) -> Bool {
    name.count <= 128
      && name.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || Array("+=,.@-_".utf8).contains(byte)
      }
  }

  private func base() throws(Failure) -> String {
    let environment = surroundings.environment
    guard let named = environment.nonEmpty("AWS_EC2_METADATA_SERVICE_ENDPOINT") else {
      let isIPv6 = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased() == "ipv6"
      return isIPv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
    }
    let server: Server
    do throws(Failure) { server = try Server(named, name) } catch {
      throw failure(.blocked, "InvalidEndpoint", "AWS_EC2_METADATA_SERVICE_ENDPOINT is no address of http or https")
    }
    return server.base
  }
}
