import Glibc
import SlipwayModel

/// Serves the requests of one connection in turn, and does to them what the script says.
struct ConnectionHandler {
  let server: ScriptedS3Server
  let socket: ServerSocket
  let number: Int

  private enum Ending {
    case keepsAlive, closes, resets
  }

  func serve() {
    let reader = RequestReader(socket: socket)
    do throws(RequestReader.Problem) {
      while let head = try reader.nextHead() {
        switch try answer(head, reader) {
        case .keepsAlive where head.keepsAlive: continue
        case .resets: socket.reset()
        default: break
        }
        return
      }
    } catch {
      if case .malformed(let what) = error { send(S3Error(400, "MalformedRequest", what).answer, to: nil) }
    }
  }

  private func answer(_ head: RequestReader.Head, _ reader: RequestReader) throws(RequestReader.Problem) -> Ending {
    guard var request = parsed(head) else { throw .malformed("target '\(head.target)'") }
    let now = currentTime()
    let fault: FaultRule.Action? = server.update { state in
      request.number = state.requests.count
      state.requests.append(request)
      return state.script.action(for: request)
    }
    if let ending = interrupted(fault, at: .beforeBody) { return ending }
    if case .delay(let duration)? = fault { pause(duration) }
    request.body = try body(head, reader, fault)
    server.update { $0.requests[request.number].body = request.body }
    if let ending = interrupted(fault, at: .beforeEffect) { return ending }
    return finish(request, fault, now)
  }

  private func body(
    _ head: RequestReader.Head, _ reader: RequestReader, _ fault: FaultRule.Action?
  ) throws(RequestReader.Problem) -> [UInt8] {
    if case .slowRead(let rate)? = fault { return try reader.body(of: head, bytesPerSecond: rate) }
    return try reader.body(of: head)
  }

  private func finish(_ request: RecordedRequest, _ fault: FaultRule.Action?, _ now: Timestamp) -> Ending {
    switch fault {
    case .answer(let status, let code, let headers):
      var answer = code.isEmpty ? Answer(status: status) : S3Error(status, code).answer
      answer.headers += headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      return send(answer, to: request)
    case .echo(let status):
      let sent = ["x-amz-security-token", "authorization"].compactMap { name in
        request.header(name).map { "\(name): \($0)" }
      }
      return send(S3Error(status, "Echo", sent.joined(separator: "; ")).answer, to: request)
    case .errorIn200(let code):
      var answer = S3Error(200, code).answer
      answer.body = Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n \n\(S3Error(200, code).document)".utf8)
      return send(answer, to: request)
    default: return respond(request, performed(request, fault, now), fault)
    }
  }

  /// Judges the request and carries it out.
  private func performed(_ request: RecordedRequest, _ fault: FaultRule.Action?, _ now: Timestamp) -> Answer {
    let settings = server.settings
    let check = SignatureCheck(
      keys: settings.keys, region: settings.region, allowsUnsignedPayload: settings.allowsUnsignedPayload, now: now)
    let refusal =
      expiry(request, settings) ?? check.refusal(of: request)
      ?? SignatureCheck.refusal(ofBody: request.body, in: request)
    if let refusal { return refusal.answer }
    var isCorrupting = false
    if case .corrupt? = fault { isCorrupting = true }
    return server.update { state in
      do throws(S3Error) {
        return try state.shelf.perform(request, now: now, corrupting: isCorrupting)
      } catch {
        return error.answer
      }
    }
  }

  /// Told before anything else, whatever the request is signed with.
  private func expiry(_ request: RecordedRequest, _ settings: ScriptedS3Server.Settings) -> S3Error? {
    guard let token = request.header("x-amz-security-token"), settings.expiredTokens.contains(token) else { return nil }
    return S3Error(400, "ExpiredToken", "The provided token has expired.")
  }

  private func respond(_ request: RecordedRequest, _ answer: Answer, _ fault: FaultRule.Action?) -> Ending {
    if let ending = interrupted(fault, at: .afterEffect) { return ending }
    var answer = answer
    switch fault {
    case .answerAfterEffect(let status, let code): answer = S3Error(status, code).answer
    case .html(let status): answer = .html(status)
    case .truncatedBody: answer.body = Array(answer.body.prefix(answer.body.count / 2))
    case .wrongETag(let etag):
      answer.headers.removeAll { $0.name == "ETag" }
      answer.headers.append(("ETag", "\"\(etag)\""))
      let document = String(decoding: answer.body, as: UTF8.self)
      answer.body = Array(document.replacing(/<ETag>[^<]*<\/ETag>/, with: "<ETag>\"\(etag)\"</ETag>").utf8)
    case .slowAnswer(let rate): return send(answer, to: request, bytesPerSecond: rate)
    case .cutAnswer: return send(answer, to: request, cutting: true)
    case .closeAfterAnswer:
      _ = send(answer, to: request)
      return .closes
    default: break
    }
    return send(answer, to: request)
  }

  private func interrupted(_ fault: FaultRule.Action?, at moment: FaultRule.Moment) -> Ending? {
    switch fault {
    case .reset(moment)?: return .resets
    case .stall(moment)?:
      socket.waitForClose()
      return .closes
    default: return nil
    }
  }

  @discardableResult
  private func send(
    _ answer: Answer, to request: RecordedRequest?, bytesPerSecond: Int? = nil, cutting: Bool = false
  ) -> Ending {
    let (head, body) = answer.serialized(
      number: request?.number ?? 0, isHead: request?.method == "HEAD", now: currentTime())
    if let request { server.update { $0.requests[request.number].status = answer.status } }
    let bytes = head + (cutting ? Array(body.prefix(body.count / 2)) : body)
    guard let bytesPerSecond else { return socket.write(bytes) && !cutting && request != nil ? .keepsAlive : .closes }
    for byte in bytes {
      if !socket.write(CollectionOfOne(byte)) { return .closes }
      pause(.seconds(1.0 / Double(bytesPerSecond)))
    }
    return .keepsAlive
  }

  private func parsed(_ head: RequestReader.Head) -> RecordedRequest? {
    let halves = head.target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    guard halves[0].first == UInt8(ascii: "/"), let path = PercentCoding.decoded(halves[0].dropFirst()),
      let query = PercentCoding.query(halves.count > 1 ? String(halves[1]) ?? "" : "")
    else { return nil }
    let slash = path.firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
    return RecordedRequest(
      number: 0, method: head.method, target: head.target,
      bucket: String(decoding: path[..<slash], as: UTF8.self), key: Array(path[slash...].dropFirst()), query: query,
      headers: head.headers, connection: number, time: .now)
  }

  /// The server's clock.
  private func currentTime() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
      + server.settings.clockOffset
  }
}
