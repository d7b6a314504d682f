import SlipwayModel

/// What the server answers, before faults have their way with it.
struct Answer {
  var status: Int
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
  /// What Content-Length says of an answer to HEAD, which has no body.
  var headLength: Int?

  static func xml(_ document: String, status: Int = 200) -> Answer {
    Answer(
      status: status, headers: [("Content-Type", "application/xml")],
      body: Array("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(document)".utf8))
  }

  static func html(_ status: Int) -> Answer {
    let page = "<html><head><title>\(status)</title></head><body><h1>The proxy is unwell</h1></body></html>\n"
    return Answer(status: status, headers: [("Content-Type", "text/html")], body: Array(page.utf8))
  }

  /// The bytes on the wire.
  func serialized(number: Int, isHead: Bool, now: Timestamp) -> (head: [UInt8], body: [UInt8]) {
    var lines = ["HTTP/1.1 \(status) \(Self.reason(status))"]
    lines += headers.map { "\($0.name): \($0.value)" }
    lines += ["x-amz-request-id: \(digits(number, 16))", "Date: \(Self.httpDate(now))", "Server: ScriptedS3Server"]
    if status != 204, status != 304 {
      lines.append("Content-Length: \(isHead ? headLength ?? body.count : body.count)")
    }
    let head = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    return (head, isHead || status == 204 || status == 304 ? [] : body)
  }

  /// RFC 9110, section 5.6.7.
  static func httpDate(_ moment: Timestamp) -> String {
    let date = CalendarDate(moment)
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let weekday = weekdays[Int(moment.nanoseconds / 86_400_000_000_000) % 7]
    let time = "\(digits(date.hour, 2)):\(digits(date.minute, 2)):\(digits(date.second, 2))"
    return "\(weekday), \(digits(date.day, 2)) \(months[date.month - 1]) \(digits(date.year, 4)) \(time) GMT"
  }

  private static func reason(_ status: Int) -> String {
    let reasons = [
      200: "OK", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently", 304: "Not Modified",
      307: "Temporary Redirect", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict",
      412: "Precondition Failed", 500: "Internal Server Error", 501: "Not Implemented", 503: "Slow Down",
    ]
    return reasons[status] ?? "Status"
  }
}

/// An error of S3, thrown by what carries out a request.
struct S3Error: Error {
  let status: Int
  let code: String
  let message: String
  let extra: String

  init(_ status: Int, _ code: String, _ message: String = "", extra: String = "") {
    self.status = status
    self.code = code
    self.message = message.isEmpty ? code : message
    self.extra = extra
  }

  var document: String {
    "<Error><Code>\(xmlEscaped(code))</Code><Message>\(xmlEscaped(message))</Message>\(extra)"
      + "<RequestId>0</RequestId><HostId>scripted</HostId></Error>"
  }

  var answer: Answer { .xml(document, status: status) }
}

/// Text for an XML document. What XML 1.0 cannot hold becomes a character reference all the same, as S3 writes it.
func xmlEscaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case _ where scalar.value < 0x20: result += "&#x\(String(scalar.value, radix: 16));"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
