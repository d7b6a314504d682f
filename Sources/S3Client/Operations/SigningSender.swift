import Checksums
import HTTPTransport
import SlipwayModel

/// Signs a request and sends it: once, and once more for each thing that the answer shows to be wrong with how it was
/// signed (keys that have expired, another region, a clock that is off). That is no retry and costs none: the same
/// request could not have gone well before.
package final class SigningSender: RequestSender {
  private let credentials: any CredentialProvider
  private let transport: any HTTPSender
  private let place: SigningPlace.Current
  private let clock: ServerClock

  package init(
    _ endpoint: S3Endpoint, credentials: any CredentialProvider, transport: any HTTPSender,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.credentials = credentials
    self.transport = transport
    self.place = SigningPlace.Current(SigningPlace(endpoint))
    self.clock = ServerClock(now)
  }

  nonisolated(nonsending) package func send(_ request: S3Request) async throws(S3Error) -> HTTPResponse {
    let terms: Terms
    do throws(Failure) {
      terms = Terms(keys: try await credentials.credentials(), place: place.value, offset: clock.offset)
    } catch {
      throw S3Error(error)
    }
    let answer = try await send(request, terms)
    guard Self.isSuccess(answer, request) else { return try await sendAgain(request, terms, answer) }
    if terms.offset != .zero { clock.heed(answer) }
    return answer
  }

  /// What one signature is made with.
  private struct Terms {
    var keys: S3Credentials
    var place: SigningPlace
    /// Added to this machine's clock.
    var offset: Duration
  }

  nonisolated(nonsending) private func send(_ request: S3Request, _ terms: Terms) async throws(S3Error) -> HTTPResponse
  {
    let signed: HTTPRequest
    do throws(Failure) {
      signed = try sign(request, terms)
    } catch {
      throw S3Error(error)
    }
    do throws(HTTPTransportError) {
      return try await transport.send(signed)
    } catch {
      throw S3Error(error.failure(request.operation, terms.place.endpoint.subject(request.key)))
    }
  }

  private func sign(_ request: S3Request, _ terms: Terms) throws(Failure) -> HTTPRequest {
    let endpoint = terms.place.endpoint
    let moment = try terms.place.cache.moment(clock.local() + terms.offset, terms.keys)
    let path = endpoint.path(of: request.key)
    let payloadHash = Self.text(of: request.payloadHash)
    var fields = HTTPFields(request.fields, addingSize: Self.ownFieldsSize)
    fields.append("x-amz-content-sha256", payloadHash)
    fields.append("x-amz-date", moment.time)
    if let token = terms.keys.sessionToken { fields.append("x-amz-security-token", token.reveal()) }
    // The request to sign holds the fields only until it has been signed: they are not copied once more.
    let authorization = try SignableRequest(
      method: request.method, path: path, query: request.query, fields: fields, host: endpoint.authority,
      payloadHash: payloadHash
    ).authorization(moment.key, accessKeyID: terms.keys.accessKeyID, time: moment.time)
    fields.append("authorization", authorization)
    var signed = HTTPRequest(
      request.method, endpoint.url(path: path, query: request.query.text), fields: fields, body: request.body,
      responseBodyLimit: request.responseBodyLimit, progress: request.progress)
    signed.needsNewConnection = request.needsNewConnection
    return signed
  }

  /// Of what a signature adds, a session token apart, in bytes.
  private static let ownFieldsSize = 512

  private static func isSuccess(_ answer: HTTPResponse, _ request: S3Request) -> Bool {
    200..<300 ~= answer.status && !(request.mayAnswerErrorWith200 && ErrorAnswer(answer.body) != nil)
  }

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

/// After an answer that is no success.
extension SigningSender {
  /// Ends after one repetition for each kind of flaw: what is still wrong then is the answer.
  private func sendAgain(
    _ request: S3Request, _ terms: Terms, _ answer: HTTPResponse
  ) async throws(S3Error) -> HTTPResponse {
    var (terms, answer) = (terms, answer)
    var mended: Set<SigningFlaw.Kind> = []
    var flaw = flaw(answer, request, terms)
    while let found = flaw, mended.insert(found.kind).inserted, let better = try await mend(terms, found) {
      terms = better
      answer = try await send(request, terms)
      flaw = self.flaw(answer, request, terms)
      if found.kind == .region, flaw?.kind != .region { place.value = terms.place }
      if Self.isSuccess(answer, request) { return answer }
    }
    let said = ErrorAnswer(answer.body, hiding: terms.keys.sessionToken)
    throw S3Error(answer, said, request.operation, terms.place.endpoint.subject(request.key))
  }

  private func flaw(_ answer: HTTPResponse, _ request: S3Request, _ terms: Terms) -> SigningFlaw? {
    SigningFlaw(
      answer, isHead: request.method == .head, hasToken: terms.keys.sessionToken != nil,
      keysMayChange: credentials.mayChangeUntold, region: terms.place.endpoint.region,
      skew: clock.skew(of: answer, from: terms.offset))
  }

  /// nil if there is nothing else to sign with.
  private func mend(_ terms: Terms, _ flaw: SigningFlaw) async throws(S3Error) -> Terms? {
    var better = terms
    switch flaw {
    case .keys:
      do throws(Failure) {
        better.keys = try await credentials.credentials(insteadOf: terms.keys)
      } catch {
        throw S3Error(error)
      }
      return better.keys == terms.keys ? nil : better
    case .region(let name): better.place = terms.place.moved(to: name)
    case .clock(let offset): better.offset = clock.set(offset)
    }
    return better
  }
}
