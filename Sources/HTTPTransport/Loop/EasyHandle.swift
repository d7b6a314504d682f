import CLibcurl
import Glibc
import SlipwayModel

/// One of libcurl's easy handles, used for one transfer after the other. For the loop's thread.
///
/// libcurl holds pointers to it and to its memory: the loop keeps it alive for as long as the transfer is in the multi
/// handle, and `deinit` ends libcurl's part first.
final class EasyHandle {
  /// What a transfer has in common with others of its kind; its options are set when the kind changes.
  private struct Shape: Equatable {
    enum Body { case none, bytes, file }
    let method: HTTPRequest.Method
    let body: Body
    let limits: TimeLimits
    let usesProxy: Bool
    let needsNewConnection: Bool
  }

  let curl: UnsafeMutableRawPointer
  /// The transfer that it carries now. Unchecked, since it is read for each line and piece of an answer.
  @exclusivity(unchecked) private(set) var exchange: Exchange?
  /// Asked before a file is read.
  let throttle: Throttle
  /// Its place in the loop's list of handles in use.
  var place = 0

  /// libcurl's own default, in bytes; allocated with the next file only.
  private static let idleUploadBufferSize = 64 << 10
  /// The least that libcurl takes, in bytes; longer answers come in several pieces.
  private static let shortAnswerBufferSize = 1024
  private let settings: EasySettings
  private let poller: SocketPoller
  private let errorText: UnsafeMutablePointer<CChar>
  private let fields: FieldList
  private var shape: Shape?
  private var isRefused = false
  private var isPaused = false

  /// nil: out of memory.
  init?(_ settings: EasySettings, _ poller: SocketPoller, _ throttle: Throttle) {
    guard let curl = curl_easy_init() else { return nil }
    self.curl = curl
    self.settings = settings
    self.poller = poller
    self.throttle = throttle
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    fields = FieldList()
  }

  deinit {
    curl_easy_cleanup(curl)
    errorText.deallocate()
  }

  /// What libcurl said of the transfer that failed.
  var errorDetail: [UInt8] { Array(UnsafeBufferPointer(start: errorText, count: strlen(errorText)).map(UInt8.init)) }

  /// Sets the transfer's options; false if libcurl refuses one, and the exchange is not taken then.
  func prepare(_ exchange: Exchange, uploadBufferSize: Int) -> Bool {
    isRefused = false
    applyShape(of: exchange.request)
    exchange.request.url.withCString { set(CURLOPT_URL, $0) }
    applyBody(exchange.request.body, uploadBufferSize)
    set(CURLOPT_HTTPHEADER, fields.fill(exchange.request.fields, addsBodyFields: exchange.request.body))
    errorText.pointee = 0
    guard !isRefused else { return false }
    self.exchange = exchange
    exchange.handle = self
    return true
  }

  /// The transfer has ended and is out of the multi handle.
  func release() {
    exchange?.handle = nil
    exchange = nil
    endPause()
    // Setting the size frees the buffer, so that an idle handle holds no large one.
    if shape?.body == .file { set(CURLOPT_UPLOAD_BUFFERSIZE, Self.idleUploadBufferSize) }
  }

  /// Its file is about to be read no further, until `goOn`. Some versions of libcurl would count that as a stall.
  func willPause() {
    isPaused = true
    set(CURLOPT_LOW_SPEED_TIME, 0)
  }

  /// Reads on, and the time for a stall begins anew; false if libcurl refuses.
  func goOn() -> Bool {
    endPause()
    return curl_easy_pause(curl, CURLPAUSE_CONT) == CURLE_OK
  }

  private func endPause() {
    if isPaused, let shape { applyLimits(shape.limits) }
    isPaused = false
  }

  func long(_ info: CURLINFO) -> Int {
    var value = 0
    return slipway_easy_get_long(curl, info, &value) == CURLE_OK ? value : 0
  }

  func offset(_ info: CURLINFO) -> Int64 {
    var value: curl_off_t = 0
    return slipway_easy_get_offset(curl, info, &value) == CURLE_OK ? Int64(value) : 0
  }
}

/// Options.
extension EasyHandle {
  private func applyShape(of request: HTTPRequest) {
    let new = Shape(
      method: request.method, body: Self.bodyShape(of: request), limits: request.timeLimits ?? settings.timeLimits,
      usesProxy: request.usesProxy && settings.usesProxies, needsNewConnection: request.needsNewConnection)
    guard new != shape else { return }
    // An option cannot be taken back one by one: UPLOAD and POST change others with them.
    if shape != nil { curl_easy_reset(curl) }
    shape = new
    applyBase()
    // libcurl looks through the environment for each request unless it is told that there is no proxy.
    if !new.usesProxy { "".withCString { set(CURLOPT_PROXY, $0) } }
    if new.needsNewConnection { set(CURLOPT_FRESH_CONNECT, 1) }
    // Allocated for each transfer: what stores something is answered in a few lines.
    if new.body != .none { set(CURLOPT_BUFFERSIZE, Self.shortAnswerBufferSize) }
    applyLimits(new.limits)
    applyMethod(new)
  }

  private func applyBase() {
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_PATH_AS_IS, 1)
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
    set(CURLOPT_TCP_NODELAY, 1)
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    "http,https".withCString { set(CURLOPT_PROTOCOLS_STR, $0) }
    settings.userAgent.withCString { set(CURLOPT_USERAGENT, $0) }
    if let bundle = settings.caBundle {
      bundle.withCString { set(CURLOPT_CAINFO, $0) }
      // libcurl would go on to trust the system's directory of certificates, too.
      set(CURLOPT_CAPATH, nil)
    }
    let this = Unmanaged.passUnretained(self).toOpaque()
    set(CURLOPT_PRIVATE, this)
    set(CURLOPT_ERRORBUFFER, errorText)
    set(CURLOPT_HEADERDATA, this)
    set(CURLOPT_WRITEDATA, this)
    set(CURLOPT_READDATA, this)
    set(CURLOPT_SEEKDATA, this)
    set(CURLOPT_SOCKOPTDATA, Unmanaged.passUnretained(poller).toOpaque())
    set(CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(poller).toOpaque())
    check(slipway_easy_set_data_callback(curl, CURLOPT_HEADERFUNCTION, receiveField))
    check(slipway_easy_set_data_callback(curl, CURLOPT_WRITEFUNCTION, receiveBody))
    check(slipway_easy_set_data_callback(curl, CURLOPT_READFUNCTION, readBody))
    check(slipway_easy_set_seek_callback(curl, seekBody))
    check(slipway_easy_set_open_callback(curl, openSocket))
    check(slipway_easy_set_close_callback(curl, closeSocket))
  }

  private func applyLimits(_ limits: TimeLimits) {
    set(CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, limits.connect.nanoseconds / 1_000_000)))
    set(CURLOPT_LOW_SPEED_LIMIT, TimeLimits.slowestRate)
    set(CURLOPT_LOW_SPEED_TIME, Int(max(1, limits.stall.nanoseconds / 1_000_000_000)))
  }

  private func applyMethod(_ shape: Shape) {
    switch shape.body {
    case .file: set(CURLOPT_UPLOAD, 1)
    case .bytes: set(CURLOPT_POST, 1)
    case .none: set(shape.method == .head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1)
    }
    shape.method.rawValue.withCString { set(CURLOPT_CUSTOMREQUEST, $0) }
  }

  private func applyBody(_ body: HTTPBody, _ uploadBufferSize: Int) {
    switch body {
    case .none:
      if shape?.body == .bytes { setBytes(UnsafeRawPointer(errorText), 0) }
    case .bytes(let buffer):
      setBytes(UnsafeRawPointer(buffer.memory.baseAddress ?? UnsafeMutableRawPointer(errorText)), buffer.count)
    case .file(let part):
      set(CURLOPT_UPLOAD_BUFFERSIZE, uploadBufferSize)
      check(slipway_easy_set_offset(curl, CURLOPT_INFILESIZE_LARGE, curl_off_t(part.count)))
    }
  }

  /// libcurl does not copy them: they live as long as the exchange.
  private func setBytes(_ start: UnsafeRawPointer, _ count: Int) {
    check(slipway_easy_set_offset(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(count)))
    set(CURLOPT_POSTFIELDS, start)
  }

  private static func bodyShape(of request: HTTPRequest) -> Shape.Body {
    switch request.body {
    case .none: request.method == .put || request.method == .post ? .bytes : .none
    case .bytes: .bytes
    case .file: .file
    }
  }

  private func set(_ option: CURLoption, _ value: Int) { check(slipway_easy_set_long(curl, option, value)) }
  private func set(_ option: CURLoption, _ value: UnsafeRawPointer?) {
    check(slipway_easy_set_pointer(curl, option, value))
  }
  private func check(_ code: CURLcode) { if code != CURLE_OK { isRefused = true } }
}
