import Glibc

/// A TCP connection of the test server. Used by the thread that serves it; `interrupt` may be called from any other.
final class ServerSocket {
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var position = 0

  init(descriptor: Int32) {
    self.descriptor = descriptor
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  /// The next byte; nil at the end of the stream or an error.
  func readByte() -> UInt8? {
    if position == buffer.count, !fill(65_536) { return nil }
    position += 1
    return buffer[position - 1]
  }

  /// What is there, at most `limit` bytes and at least one; nil at the end.
  func read(atMost limit: Int) -> ArraySlice<UInt8>? {
    if position == buffer.count, !fill(min(limit, 262_144)) { return nil }
    let end = min(buffer.count, position + limit)
    defer { position = end }
    return buffer[position..<end]
  }

  /// Blocks until the peer closes, or `interrupt`; what it sends meanwhile stays unread.
  func waitForClose() {
    // POLLRDHUP of poll(2), which Glibc's module does not show without _GNU_SOURCE.
    var poll = pollfd(fd: descriptor, events: 0x2000, revents: 0)
    while Glibc.poll(&poll, 1, -1) < 0, errno == EINTR {}
  }

  /// False when the peer is gone.
  @discardableResult
  func write(_ bytes: some Collection<UInt8>) -> Bool {
    Array(bytes).withUnsafeBytes { raw in
      var sent = 0
      while sent < raw.count {
        let count = send(
          descriptor, raw.baseAddress?.advanced(by: sent), raw.count - sent, Int32(MSG_NOSIGNAL))
        if count < 0, errno == EINTR { continue }
        if count <= 0 { return false }
        sent += count
      }
      return true
    }
  }

  /// Sends a RST instead of a FIN: tcp(7), SO_LINGER with a time of nothing.
  func reset() {
    var none = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size))
  }

  func close() {
    Glibc.close(descriptor)
  }

  private func fill(_ limit: Int) -> Bool {
    position = 0
    while true {
      var count = 0
      buffer = [UInt8](unsafeUninitializedCapacity: limit) { room, used in
        count = recv(descriptor, room.baseAddress, limit, 0)
        used = max(count, 0)
      }
      if count < 0, errno == EINTR { continue }
      return count > 0
    }
  }
}
