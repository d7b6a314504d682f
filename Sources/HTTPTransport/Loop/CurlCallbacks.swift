import CLibcurl
import Glibc
import SlipwayModel

// What libcurl calls, in the loop's thread. Each `user` pointer is an object that the loop keeps alive for as long as
// libcurl may call: the easy handle of a transfer under way, the poller, the loop itself.

/// CURLOPT_HEADERFUNCTION: one whole line a call.
func receiveField(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ user: UnsafeMutableRawPointer?
) -> Int {
  guard let exchange = exchange(user) else { return 0 }
  let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
  if exchange.receiveField(line) { return line.count }
  exchange.failure = HTTPTransportError(
    .responseTooLarge, detail: "more than \(Exchange.receivedFieldsLimit) bytes of header fields")
  return 0
}

/// CURLOPT_WRITEFUNCTION.
func receiveBody(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ user: UnsafeMutableRawPointer?
) -> Int {
  guard let exchange = exchange(user) else { return 0 }
  let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
  if exchange.receiveBody(piece) { return piece.count }
  exchange.failure = HTTPTransportError(
    .responseTooLarge, detail: "more than \(exchange.request.responseBodyLimit) bytes")
  return 0
}

/// CURLOPT_READFUNCTION: the next bytes of a file part, straight into libcurl's buffer.
func readBody(
  _ target: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ user: UnsafeMutableRawPointer?
) -> Int {
  guard let handle = handle(user), let exchange = handle.exchange, case .file(let part) = exchange.request.body else {
    return Int(CURL_READFUNC_ABORT)
  }
  let wanted = min(Int64(size * count), part.count - exchange.position)
  guard wanted > 0 else { return 0 }
  let granted = handle.throttle.grant(Int(wanted), to: exchange)
  guard granted > 0 else {
    handle.willPause()
    return Int(CURL_READFUNC_PAUSE)
  }
  switch readFile(part, at: exchange.position, into: target, count: granted) {
  case .success(let got):
    exchange.move(to: exchange.position + Int64(got))
    return got
  case .failure(let error):
    exchange.failure = error
    return Int(CURL_READFUNC_ABORT)
  }
}

/// CURLOPT_SEEKFUNCTION: libcurl sends the body again, from a kept connection that had died on a new one.
func seekBody(_ user: UnsafeMutableRawPointer?, _ offset: curl_off_t, _ origin: Int32) -> Int32 {
  guard let exchange = exchange(user), origin == SEEK_SET, case .file(let part) = exchange.request.body,
    (0...part.count).contains(Int64(offset))
  else { return CURL_SEEKFUNC_FAIL }
  exchange.move(to: Int64(offset))
  return CURL_SEEKFUNC_OK
}

/// CURLOPT_SOCKOPTFUNCTION: before it connects.
func openSocket(_ user: UnsafeMutableRawPointer?, _ socket: curl_socket_t, _ purpose: curlsocktype) -> Int32 {
  if let user { Unmanaged<SocketPoller>.fromOpaque(user).takeUnretainedValue().open(socket) }
  return CURL_SOCKOPT_OK
}

/// CURLOPT_CLOSESOCKETFUNCTION.
func closeSocket(_ user: UnsafeMutableRawPointer?, _ socket: curl_socket_t) -> Int32 {
  if let user { Unmanaged<SocketPoller>.fromOpaque(user).takeUnretainedValue().forget(socket) }
  return close(socket)
}

/// CURLMOPT_SOCKETFUNCTION.
func watchSocket(
  _ easy: UnsafeMutableRawPointer?, _ socket: curl_socket_t, _ interest: Int32, _ user: UnsafeMutableRawPointer?,
  _ assigned: UnsafeMutableRawPointer?
) -> Int32 {
  if let user { Unmanaged<SocketPoller>.fromOpaque(user).takeUnretainedValue().watch(socket, interest) }
  return 0
}

/// CURLMOPT_TIMERFUNCTION.
func setTimer(_ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ user: UnsafeMutableRawPointer?) -> Int32 {
  if let user { Unmanaged<LoopTimer>.fromOpaque(user).takeUnretainedValue().set(milliseconds) }
  return 0
}

private func exchange(_ user: UnsafeMutableRawPointer?) -> Exchange? { handle(user)?.exchange }

private func handle(_ user: UnsafeMutableRawPointer?) -> EasyHandle? {
  user.map { Unmanaged<EasyHandle>.fromOpaque($0).takeUnretainedValue() }
}

private func readFile(
  _ part: FilePart, at position: Int64, into target: UnsafeMutablePointer<CChar>?, count: Int
) -> Result<Int, HTTPTransportError> {
  while true {
    let got = pread(part.file.descriptor, target, count, off_t(part.offset + position))
    if got > 0 { return .success(got) }
    if got == 0 { return .failure(HTTPTransportError(.sourceChanged)) }
    if errno != EINTR {
      return .failure(HTTPTransportError(.sourceUnreadable, detail: String(cString: strerror(errno))))
    }
  }
}
