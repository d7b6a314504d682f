import Checksums
import HTTPTransport
import SlipwayModel

/// Signs a request and sends it, once.
package final class SigningSender: RequestSender {
  private let endpoint: S3Endpoint
  private let credentials: any CredentialProvider
  private let transport: any HTTPSender
  private let cache: SigningCache
  private let now: @Sendable () -> Timestamp

  package init(
    _ endpoint: S3Endpoint, credentials: any CredentialProvider, transport: any HTTPSender,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.endpoint = endpoint
    self.credentials = credentials
    self.transport = transport
    self.cache = SigningCache(region: endpoint.region, service: "s3")
    self.now = now
  }

  nonisolated(nonsending) package func send(_ request: S3Request) async throws(S3Error) -> HTTPResponse {
    let signed: HTTPRequest
    do throws(Failure) {
      signed = try sign(request, try await credentials.credentials())
    } catch {
      throw S3Error(error)
    }
    let response: HTTPResponse
    do throws(HTTPTransportError) {
      response = try await transport.send(signed)
    } catch {
      throw S3Error(error.failure(request.operation, endpoint.subject(request.key)))
    }
    guard 200..<300 ~= response.status, !(request.mayAnswerErrorWith200 && ErrorAnswer(response.body) != nil) else {
      throw S3Error(response, request.operation, endpoint.subject(request.key))
    }
    return response
  }

  private func sign(_ request: S3Request, _ credentials: S3Credentials) throws(Failure) -> HTTPRequest {
    let moment = try cache.moment(now(), credentials)
    let path = endpoint.path(of: request.key)
    let payloadHash = Self.text(of: request.payloadHash)
    var fields = HTTPFields(request.fields, addingSize: Self.ownFieldsSize)
    fields.append("x-amz-content-sha256", payloadHash)
    fields.append("x-amz-date", moment.time)
    if let token = credentials.sessionToken { fields.append("x-amz-security-token", token.reveal()) }
    // The request to sign holds the fields only until it has been signed: they are not copied once more.
    let authorization = try SignableRequest(
      method: request.method, path: path, query: request.query, fields: fields, host: endpoint.authority,
      payloadHash: payloadHash
    ).authorization(moment.key, accessKeyID: credentials.accessKeyID, time: moment.time)
    fields.append("authorization", authorization)
    return HTTPRequest(
      request.method, endpoint.url(path: path, query: request.query.text), fields: fields, body: request.body,
      responseBodyLimit: request.responseBodyLimit, progress: request.progress)
  }

  /// Of what a signature adds, a session token apart, in bytes.
  private static let ownFieldsSize = 512

  private static func text(of hash: S3Request.PayloadHash) -> [UInt8] {
    switch hash {
    case .empty: emptyHash
    case .sha256(let value): value.hexadecimalText
    case .unsigned: unsigned
    }
  }

  /// SHA-256 of nothing.
  private static let emptyHash = Array("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".utf8)
  private static let unsigned = Array("UNSIGNED-PAYLOAD".utf8)
}
