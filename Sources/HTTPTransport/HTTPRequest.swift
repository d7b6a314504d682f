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
  /// On a connection of its own: libcurl sends a request once more, without a word, if a kept connection turns out to
  /// be dead. For what must not take effect twice unnoticed.
  package var needsNewConnection = false
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
    lines.reserveCapacity(Self.usualSize)
    starts.reserveCapacity(Self.usualCount)
  }

  /// A copy with room for `size` more bytes of fields: each of them may then be appended without another copy.
  package init(_ others: HTTPFields, addingSize size: Int) {
    lines.reserveCapacity(others.lines.count + size)
    starts.reserveCapacity(others.starts.count + Self.usualCount)
    lines.append(contentsOf: others.lines)
    starts.append(contentsOf: others.starts)
    isMalformed = others.isMalformed
  }

  /// Appends a field. Values are bytes; a control character in name or value marks the whole as malformed (RFC 9110,
  /// section 5.5).
  package mutating func append(_ name: String, _ value: [UInt8]) {
    value.withUnsafeBufferPointer { append(name, $0) }
  }

  /// Appends a field.
  package mutating func append(_ name: String, _ value: String) {
    var value = value
    value.withUTF8 { append(name, $0) }
  }

  /// In bytes, names, separators and ends of lines included.
  package static let sizeLimit = 64 * 1024
  package static let countLimit = 128

  /// What most requests have before they are signed. Below the 1,032 bytes up to which malloc(3) of glibc gives memory
  /// from a cache of the thread.
  private static let usualSize = 448
  private static let usualCount = 8

  /// libcurl takes `name;` for a field without a value, and `name:` with nothing but blanks behind it for one that is not
  /// to be sent. Blanks around a value are no part of it (RFC 9110, section 5.5).
  private mutating func append(_ name: String, _ value: UnsafeBufferPointer<UInt8>) {
    let start = lines.count
    starts.append(start)
    var name = name
    name.withUTF8 { lines.append(contentsOf: $0) }
    let nameEnd = lines.count
    if value.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
      lines.append(UInt8(ascii: ";"))
    } else {
      lines.append(UInt8(ascii: ":"))
      lines.append(UInt8(ascii: " "))
      lines.append(contentsOf: value)
    }
    lines.withUnsafeMutableBytes { lines in
      for index in start..<nameEnd where (0x41...0x5A).contains(lines[index]) { lines[index] |= 0x20 }
      if Self.holdsControl(UnsafeRawBufferPointer(rebasing: lines[start...])) { isMalformed = true }
    }
    lines.append(0)
    if starts.count > Self.countLimit || lines.count > Self.sizeLimit { isMalformed = true }
  }

  /// Eight bytes at a time, and one by one only where one of them is below a space or a DEL.
  private static func holdsControl(_ line: UnsafeRawBufferPointer) -> Bool {
    let isControl = { (byte: UInt8) in byte < 0x20 && byte != 0x09 || byte == 0x7F }
    let words = line.count & ~7
    for offset in stride(from: 0, to: words, by: 8) {
      let word = line.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      if mayHoldControl(word), line[offset..<offset + 8].contains(where: isControl) { return true }
    }
    return line[words...].contains(where: isControl)
  }

  /// Whether a byte is below 0x20 or equal to 0x7F. In a byte that is, the subtraction borrows into its highest bit, which
  /// was not set before ("Bit Twiddling Hacks", S. E. Anderson, "Determine if a word has a byte less than n").
  private static func mayHoldControl(_ word: UInt64) -> Bool {
    let (ones, highs) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
    let toDelete = word ^ (ones &* 0x7F)
    return ((word &- ones &* 0x20) & ~word | (toDelete &- ones) & ~toDelete) & highs != 0
  }
}
