import CLibcurl
import Glibc
import SlipwayModel

/// The loop: takes requests from the queue, drives libcurl, and wakes whoever waits for an answer.
///
/// Sendable by hand: made by one thread and then handed to the loop's own, which is the only one to use it.
final class TransferLoop: @unchecked Sendable {
  private let queue: SubmissionQueue
  private let settings: EasySettings
  private let poller: SocketPoller
  private let timer = LoopTimer()
  private let throttle = Throttle()
  private let multi: UnsafeMutableRawPointer
  private var work = SubmissionQueue.Work()
  /// Handles with a transfer under way; libcurl holds pointers to them. Unchecked like the next two: what is touched for
  /// every request, by one thread, in functions that call no other meanwhile.
  @exclusivity(unchecked) private var active: [EasyHandle] = []
  @exclusivity(unchecked) private var idle: [EasyHandle] = []
  /// How many of the active ones read from a file.
  @exclusivity(unchecked) private var fileBodies = 0

  /// How many handles are kept for later; each has some 10 KiB.
  private static let idleLimit = 128
  /// How many connections are kept for later, over all servers.
  private static let connectionLimit = 256
  /// Shared by the files that are being sent, in bytes: few get large buffers and thus few system calls.
  private static let uploadBufferBudget = 1 << 20
  private static let uploadBufferSizes = 64 << 10...512 << 10

  init(_ settings: HTTPTransport.Settings, _ queue: SubmissionQueue) throws(Failure) {
    guard Self.isLibraryReady, let multi = curl_multi_init() else { throw SystemProblem.outOfMemory }
    self.queue = queue
    self.settings = EasySettings(settings)
    self.multi = multi
    do throws(Failure) {
      poller = try SocketPoller(wakeDescriptor: queue.wakeDescriptor)
    } catch {
      curl_multi_cleanup(multi)
      throw error
    }
    guard configure() else { throw SystemProblem.outOfMemory }
  }

  deinit {
    // The easy handles first: curl_multi_cleanup(3) asks for that order.
    idle.removeAll()
    curl_multi_cleanup(multi)
  }

  /// Returns when the queue says stop; nothing is under way then.
  func run() {
    while true {
      queue.take(&work)
      if work.isStopping { break }
      for exchange in work.submitted { start(exchange) }
      for exchange in work.cancelled { abort(exchange, HTTPTransportError(.cancelled)) }
      work.submitted.removeAll(keepingCapacity: true)
      work.cancelled.removeAll(keepingCapacity: true)
      drive()
    }
    end()
  }

  /// curl_global_init(3) is for once a process, and thread-safe since 7.84.
  private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  private func configure() -> Bool {
    let pollerPointer = Unmanaged.passUnretained(poller).toOpaque()
    let timerPointer = Unmanaged.passUnretained(timer).toOpaque()
    return slipway_multi_set_socket_callback(multi, watchSocket) == CURLM_OK
      && slipway_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, pollerPointer) == CURLM_OK
      && slipway_multi_set_timer_callback(multi, setTimer) == CURLM_OK
      && slipway_multi_set_pointer(multi, CURLMOPT_TIMERDATA, timerPointer) == CURLM_OK
      && slipway_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.connectionLimit) == CURLM_OK
  }
}

/// One turn.
extension TransferLoop {
  private func drive() {
    var running: Int32 = 0
    for exchange in throttle.takeDue() { goOn(exchange) }
    if timer.takeDue() { curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running) }
    finishTransfers()
    let mayWait = queue.fallAsleep()
    poller.wait(mayWait ? millisecondsLeft : 0) { socket, what in
      curl_multi_socket_action(multi, socket, what, &running)
    }
    finishTransfers()
  }

  /// For epoll_wait: -1 for ever.
  private var millisecondsLeft: Int32 {
    let (wanted, due) = (timer.millisecondsLeft, throttle.millisecondsLeft)
    return wanted < 0 ? due : due < 0 ? wanted : min(wanted, due)
  }

  private func finishTransfers() {
    var queued: Int32 = 0
    while let message = curl_multi_info_read(multi, &queued) {
      guard message.pointee.msg == CURLMSG_DONE, let curl = message.pointee.easy_handle else { continue }
      var user: UnsafeMutableRawPointer?
      slipway_easy_get_pointer(curl, CURLINFO_PRIVATE, &user)
      guard let user else { continue }
      let handle = Unmanaged<EasyHandle>.fromOpaque(user).takeUnretainedValue()
      let exchange = handle.exchange
      let result = handle.result(message.pointee.data.result)
      remove(handle)
      exchange?.finish(result)
    }
  }
}

/// Transfers come and go.
extension TransferLoop {
  private func start(_ exchange: Exchange) {
    if exchange.isCancelled { return exchange.finish(.failure(HTTPTransportError(.cancelled))) }
    if exchange.request.fields.isMalformed {
      let detail = "a header field holds a control character, or there are too many"
      return exchange.finish(.failure(HTTPTransportError(.invalidRequest, detail: detail)))
    }
    if throttle.mayBegin(exchange) { begin(exchange) }
  }

  private func begin(_ exchange: Exchange) {
    guard let handle = idle.popLast() ?? EasyHandle(settings, poller, throttle) else {
      return exchange.finish(.failure(HTTPTransportError(.other, detail: "out of memory")))
    }
    let isFile = if case .file = exchange.request.body { true } else { false }
    guard handle.prepare(exchange, uploadBufferSize: uploadBufferSize) else {
      return exchange.finish(.failure(HTTPTransportError(.invalidRequest, detail: "libcurl refused an option")))
    }
    handle.place = active.count
    active.append(handle)
    if isFile { fileBodies += 1 }
    guard curl_multi_add_handle(multi, handle.curl) == CURLM_OK else {
      return abort(exchange, HTTPTransportError(.other, detail: "libcurl refused the transfer"))
    }
  }

  /// It is its turn under its limit of rate.
  private func goOn(_ exchange: Exchange) {
    guard let handle = exchange.handle else { return begin(exchange) }
    if !handle.goOn() { abort(exchange, HTTPTransportError(.other, detail: "libcurl cannot go on with a pause")) }
  }

  /// Nothing happens if it has ended, or has not come yet: `start` looks for itself.
  private func abort(_ exchange: Exchange, _ error: HTTPTransportError) {
    let hasWaited = throttle.forget(exchange)
    if let handle = exchange.handle { remove(handle) } else if !hasWaited { return }
    exchange.finish(.failure(error))
  }

  private func remove(_ handle: EasyHandle) {
    curl_multi_remove_handle(multi, handle.curl)
    if let exchange = handle.exchange { throttle.forget(exchange) }
    if case .file = handle.exchange?.request.body { fileBodies -= 1 }
    handle.release()
    let last = active.removeLast()
    if last !== handle {
      active[handle.place] = last
      last.place = handle.place
    }
    if idle.count < Self.idleLimit { idle.append(handle) }
  }

  private var uploadBufferSize: Int {
    let share = Self.uploadBufferBudget / (fileBodies + 1)
    return min(max(share, Self.uploadBufferSizes.lowerBound), Self.uploadBufferSizes.upperBound)
  }

  private func end() {
    for exchange in work.submitted { exchange.finish(.failure(HTTPTransportError(.shutDown))) }
    for exchange in throttle.all + active.compactMap(\.exchange) { abort(exchange, HTTPTransportError(.shutDown)) }
  }
}
