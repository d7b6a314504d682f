import Glibc
import Synchronization
import TestSupport

/// A server on the loopback interface that does to each connection what a test says, in a thread of its own.
final class SocketServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let accepted = Atomic<Int>(0)

  /// Takes no connection before `beginning` is signalled; up to then the kernel keeps one more than `backlog`.
  init(
    backlog: Int32 = 512, beginning: DispatchSignal? = nil, _ script: @escaping @Sendable (ServerConnection) -> Void
  ) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = self.listener
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, backlog) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening else { throw ServerProblem(code: errno) }
    port = UInt16(bigEndian: address.sin_port)
    startThread { [weak self] in
      beginning?.wait()
      while true {
        let socket = CloseOnExec.accept(listener)
        if socket < 0 { return }
        self?.accepted.wrappingAdd(1, ordering: .relaxed)
        startThread { script(ServerConnection(socket)) }
      }
    }
  }

  deinit {
    Glibc.shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  var connections: Int { accepted.load(ordering: .relaxed) }
  func url(_ path: String = "/", host: String = "127.0.0.1") -> String { "http://\(host):\(port)\(path)" }
}

struct ServerProblem: Error {
  let code: Int32
}

/// One accepted connection; closed when the last reference goes.
final class ServerConnection: @unchecked Sendable {  // used by the one thread that runs the script
  private let socket: Int32
  private var buffered: [UInt8] = []
  private(set) var reads = 0

  init(_ socket: Int32) {
    self.socket = socket
  }

  deinit {
    close(socket)
  }

  /// The next request, nil if the client went away.
  func readRequest() -> ReceivedRequest? {
    readHead().flatMap { readBody(of: $0) }
  }

  /// The rest of a request whose head has been read.
  func readBody(of head: String) -> ReceivedRequest? {
    let request = ReceivedRequest(head: head)
    let length = request.field("content-length").flatMap { Int($0) } ?? 0
    while buffered.count < length { if !readMore() { return nil } }
    defer { buffered.removeFirst(length) }
    return ReceivedRequest(head: head, body: Array(buffered.prefix(length)))
  }

  /// The head alone; of the body nothing is taken.
  func readHead() -> String? {
    while true {
      if let end = endOfHead() {
        defer { buffered.removeFirst(end) }
        return String(decoding: buffered.prefix(end), as: UTF8.self)
      }
      if !readMore() { return nil }
    }
  }

  @discardableResult
  func readMore() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(socket, &bytes, bytes.count)
    guard count > 0 else { return false }
    reads += 1
    buffered.append(contentsOf: bytes.prefix(count))
    return true
  }

  func answer(_ text: String) {
    answer(Array(text.utf8))
  }

  func answer(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      sent += count
    }
  }

  /// Ends the connection with RST.
  func reset() {
    var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
  }

  /// Returns when the client has closed its side.
  func waitForEnd() {
    while readMore() { buffered.removeAll() }
  }

  private func endOfHead() -> Int? {
    let end = Array("\r\n\r\n".utf8)
    guard buffered.count >= 4 else { return nil }
    for start in 0...(buffered.count - 4) where buffered[start..<(start + 4)].elementsEqual(end) { return start + 4 }
    return nil
  }
}

struct ReceivedRequest: Sendable {
  let head: String
  var body: [UInt8] = []

  var requestLine: String { String(head.split(separator: "\r\n")[0]) }
  var lines: [String] { head.split(separator: "\r\n").dropFirst().map(String.init) }

  func field(_ name: String) -> String? {
    for line in lines where line.lowercased().hasPrefix(name + ":") {
      return String(line.dropFirst(name.count + 1).drop { $0 == " " })
    }
    return nil
  }
}

func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { argument in
      Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  pthread_detach(thread)
}
