import SlipwayModel

/// One request, exactly as it goes out.
package struct HTTPRequest: Sendable {
  package enum Method: String, Sendable, Hashable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
  }

  package var method: Method
  /// Absolute, http or https, percent-encoded. It is sent as it is: no dot segments are removed.
  package var url: String
  /// libcurl adds Host, User-Agent, Accept and Content-Length.
  package var fields: HTTPFields
  package var body: HTTPBody
  /// nil: those of the transport.
  package var timeLimits: TimeLimits?
  /// A longer answer is an error, in bytes.
  package var responseBodyLimit: Int
  /// Counts the body's bytes. What was counted for a request that did not end with 2xx is taken back.
  package var progress: TransferMeter?
  /// False: straight to the server, whatever proxy the environment names. For services of this machine or its link.
  package var usesProxy = true
  /// What it may send only so much a second of; nil: as fast as it goes.
  package var rateLimit: RateLimit?

  package init(
    _ method: Method, _ url: String, fields: HTTPFields = HTTPFields(), body: HTTPBody = .none,
    timeLimits: TimeLimits? = nil, responseBodyLimit: Int = HTTPRequest.defaultResponseBodyLimit,
    progress: TransferMeter? = nil
  ) {
    self.method = method
    self.url = url
    self.fields = fields
    self.body = body
    self.timeLimits = timeLimits
    self.responseBodyLimit = responseBodyLimit
    self.progress = progress
  }

  /// One MiB: a listing of 1,000 keys has less, an error page too.
  package static let defaultResponseBodyLimit = 1 << 20
}

/// How long a request may stand still. There is no limit for a whole transfer: large bodies take their time.
package struct TimeLimits: Sendable, Hashable {
  /// Until a connection stands, TLS included.
  package var connect: Duration
  /// How long fewer than `slowestRate` bytes a second may move, in both directions together. Whole seconds, at least 1.
  package var stall: Duration

  package init(connect: Duration = .seconds(10), stall: Duration = .seconds(60)) {
    self.connect = connect
    self.stall = stall
  }

  /// Bytes a second. Above 1, so that a peer that takes or gives one byte a second counts as standing still.
  package static let slowestRate = 16
}

/// The header fields of a request, kept as the bytes that libcurl sends. Names are lowercase, which HTTP does not mind
/// and signatures need.
package struct HTTPFields: Sendable {
  /// `name: value` and a zero byte, one after the other.
  package private(set) var lines: [UInt8] = []
  /// Where each line begins.
  package private(set) var starts: [Int] = []
  /// Whether a name or value held a byte that may not stand in a header field; such a request is never sent.
  package private(set) var isMalformed = false

  package init() {
    lines.reserveCapacity(768)
    starts.reserveCapacity(12)
  }

  /// Appends a field. Values are bytes; a control character in name or value marks the whole as malformed (RFC 9110,
  /// section 5.5).
  package mutating func append(_ name: String, _ value: [UInt8]) {
    beginLine(name, hasValue: !value.isEmpty)
    lines.append(contentsOf: value)
    endLine()
  }

  /// Appends a field.
  package mutating func append(_ name: String, _ value: String) {
    beginLine(name, hasValue: !value.isEmpty)
    lines.append(contentsOf: value.utf8)
    endLine()
  }

  /// In bytes, names, separators and ends of lines included.
  package static let sizeLimit = 64 * 1024
  package static let countLimit = 128

  /// libcurl takes `name;` for a field without a value, and `name:` for one that is not to be sent.
  private mutating func beginLine(_ name: String, hasValue: Bool) {
    starts.append(lines.count)
    for byte in name.utf8 { lines.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) }
    lines.append(hasValue ? UInt8(ascii: ":") : UInt8(ascii: ";"))
    if hasValue { lines.append(UInt8(ascii: " ")) }
  }

  private mutating func endLine() {
    let start = starts.last ?? 0
    for byte in lines[start...] where byte < 0x20 && byte != 0x09 || byte == 0x7F { isMalformed = true }
    lines.append(0)
    if starts.count > Self.countLimit || lines.count > Self.sizeLimit { isMalformed = true }
  }
}
