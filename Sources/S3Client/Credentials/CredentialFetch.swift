import HTTPTransport
import SlipwayModel

/// Requests to services that give keys: few, small and short, with a limit of time over each whole answer.
struct CredentialFetch: Sendable {
  /// How often a request is sent at the most.
  static let tries = 3
  /// In bytes.
  static let answerLimit = JSONValue.sizeLimit

  let surroundings: CredentialSurroundings
  /// For one try, from the connection to the answer's end.
  let limit: Duration
  /// False for services of this machine or its link, where no proxy leads.
  var usesProxy = true

  /// Sends it again after a lost connection, 429 and 5xx. Returns whatever the last try brought.
  func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    var request = request
    request.responseBodyLimit = Self.answerLimit
    request.usesProxy = usesProxy
    request.timeLimits = TimeLimits(connect: limit, stall: max(.seconds(1), limit))
    var result = await once(request)
    for failed in 1..<Self.tries where Self.mayPass(result) {
      do { try await surroundings.sleep(.milliseconds(100) * (1 << failed)) } catch { break }
      result = await once(request)
    }
    return try result.get()
  }

  private static func mayPass(_ result: Result<HTTPResponse, HTTPTransportError>) -> Bool {
    switch result {
    case .success(let response): response.status == 429 || 500...599 ~= response.status
    // Where nobody is at home nobody will be a moment later: IMDS is looked for on machines that have none.
    case .failure(let error): error.reason == .connectionLost
    }
  }

  /// An answer that trickles in is cut off, too, which no limit of the connection does.
  private func once(_ request: HTTPRequest) async -> Result<HTTPResponse, HTTPTransportError> {
    let (transport, sleep, limit) = (surroundings.transport, surroundings.sleep, limit)
    let late = Result<HTTPResponse, HTTPTransportError>.failure(HTTPTransportError(.stalled))
    return await withTaskGroup(of: Result<HTTPResponse, HTTPTransportError>.self) { group in
      group.addTask {
        do throws(HTTPTransportError) {
          return .success(try await transport.send(request))
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        // A cancelled sleep means that nobody waits any more.
        do { try await sleep(limit) } catch {}
        return late
      }
      defer { group.cancelAll() }
      return await group.next() ?? late
    }
  }
}

/// The keys that container agents and IMDS give alike.
enum MetadataAnswer {
  /// Throws the service's own code, or why the answer is none. Nothing else of it is told: it may hold keys.
  static func keys(_ body: [UInt8]) throws(Unusable) -> TimedCredentials {
    guard let value = JSONValue(body) else {
      throw Unusable(code: "InvalidAnswer", cause: body.isEmpty ? "the answer is empty" : "the answer is not JSON")
    }
    let code = ErrorAnswer.token((value.text("Code") ?? value.text("code"))?.utf8)
    if !code.isEmpty, code != "Success" { throw Unusable(code: code, cause: "the answer is \(code)") }
    guard let id = value.text("AccessKeyId"), let secret = value.text("SecretAccessKey") else {
      throw Unusable(code: "InvalidAnswer", cause: "the answer holds no keys")
    }
    let expiry = value.text("Expiration").map { Timestamp(expiry: $0) }
    guard expiry != .some(nil) else {
      throw Unusable(code: "InvalidAnswer", cause: "the answer has an Expiration that is no date")
    }
    let token = value.text("Token").map(Secret.init)
    return TimedCredentials(
      S3Credentials(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: token), expiry: expiry ?? nil)
  }

  struct Unusable: Error, Hashable {
    let code: String
    let cause: String
  }
}

extension CredentialSource {
  /// The keys of an answer, whatever its status.
  func keys(_ response: HTTPResponse) throws(Failure) -> CredentialAnswer {
    guard response.status == 200 else { throw refusal(response) }
    do throws(MetadataAnswer.Unusable) {
      return .keys(try MetadataAnswer.keys(response.body))
    } catch {
      throw failure(.transient(retryAfter: nil), error.code, error.cause)
    }
  }

  func refusal(_ response: HTTPResponse) -> Failure {
    let isPassing = response.status == 429 || response.status >= 500
    let said = JSONValue(response.body)
    let code = ErrorAnswer.token((said?.text("Code") ?? said?.text("code"))?.utf8)
    return failure(
      isPassing ? .transient(retryAfter: nil) : .blocked, code.isEmpty ? "HTTP\(response.status)" : code,
      "it answered \(response.status)" + (code.isEmpty ? "" : " \(code)"))
  }

  /// Sends it with this source's words for a missing answer.
  func send(_ request: HTTPRequest, _ fetch: CredentialFetch) async throws(Failure) -> HTTPResponse {
    do throws(HTTPTransportError) {
      return try await fetch.send(request)
    } catch {
      throw failure(error.kind, error.code, error.cause, remedy: error.remedy)
    }
  }
}
