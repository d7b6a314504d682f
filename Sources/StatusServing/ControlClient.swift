import Glibc
import SlipwayModel

/// Asks the process that holds a state directory. Blocks: call it from a thread that may.
package struct ControlClient: Sendable {
  private let state: BytePath

  /// In seconds, longer than the server gives itself.
  private static let timeLimit = Int(ControlServer.timeLimit) + 30

  package init(in state: BytePath) {
    self.state = state
  }

  /// nil if no process answers there. Throws a transient failure if one does and then does not finish its answer.
  package func send(_ request: ControlRequest) throws(Failure) -> ControlAnswer? {
    guard let socket = connected() else { return nil }
    defer { close(socket) }
    let head = """
      \(ControlRequest.method) \(request.path) HTTP/1.1\r
      Host: slipway\r
      Connection: close\r
      Content-Length: \(request.body.count)\r
      \r

      """
    try write(Array(head.utf8) + request.body, to: socket)
    return try ControlClient.parsed(try readAll(from: socket))
  }

  private func connected() -> Int32? {
    let directory = open(state.controlText, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return nil }
    defer { close(directory) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var limit = timeval(tv_sec: Self.timeLimit, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Short, whatever the state directory's path.
    let path = Array("/proc/self/fd/\(directory)/\(ControlServer.socketName)".utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    if result == 0 { return descriptor }
    close(descriptor)
    return nil
  }

  private func write(_ bytes: [UInt8], to socket: Int32) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.lost }
      rest = rest.dropFirst(count)
    }
  }

  private func readAll(from socket: Int32) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(socket, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0, bytes.count + count <= ControlAnswer.limit else { throw Self.lost }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// The answer up to its end, as the server writes it: a status line, lines, an empty line, Content-Length bytes.
  static func parsed(_ bytes: [UInt8]) throws(Failure) -> ControlAnswer {
    let end = bytes.indices.first { bytes[$0...].starts(with: [0x0D, 0x0A, 0x0D, 0x0A]) }
    guard let end else { throw lost }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    let body = Array(bytes[(end + 4)...])
    let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
      .flatMap { Int($0.drop { $0 != ":" }.dropFirst().filter { $0 != " " }) }
    let code = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    guard let verdict = code.flatMap({ ControlAnswer.Verdict(rawValue: $0) }), length == body.count else { throw lost }
    return ControlAnswer(verdict, body)
  }

  private static let lost = Failure(
    .transient(retryAfter: nil), "ask", "the process that is under way", cause: "it has not finished its answer",
    remedy: "'slipway status' tells what it has done")
}
