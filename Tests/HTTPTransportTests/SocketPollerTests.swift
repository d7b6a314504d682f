import Glibc
import SlipwayModel
import Synchronization
import Testing

@testable import HTTPTransport

@Suite("What is watched for libcurl", .timeLimit(.minutes(1))) struct SocketPollerTests {
  /// CURL_POLL_IN, CURL_POLL_OUT and CURL_POLL_REMOVE of curl/multi.h.
  private static let (reading, writing, removed): (Int32, Int32, Int32) = (1, 2, 4)

  private func withPoller(_ body: (SocketPoller) throws -> Void) throws {
    var wake: [Int32] = [-1, -1]
    try #require(pipe(&wake) == 0)
    defer { for descriptor in wake { close(descriptor) } }
    try body(SocketPoller(wakeDescriptor: wake[0]))
  }

  /// One that can be read and written.
  private func readySocket() throws -> (socket: Int32, peer: Int32) {
    var pair: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    try #require(write(pair[1], "x", 1) == 1)
    return (pair[0], pair[1])
  }

  private func heard(_ poller: SocketPoller) -> [Int32] {
    var sockets: [Int32] = []
    poller.wait(0) { socket, _ in sockets.append(socket) }
    return sockets
  }

  @Test(
    "A descriptor that libcurl has closed by itself is watched anew under its number", arguments: [1, 2] as [Int32])
  func closedUntold(interest: Int32) throws {
    try withPoller { poller in
      let (first, second) = (try readySocket(), try readySocket())
      defer { for descriptor in [first.socket, first.peer, second.socket, second.peer] { close(descriptor) } }
      poller.watch(first.socket, Self.reading)
      poller.watch(first.socket, Self.removed)
      // Closes the first one.
      try #require(dup2(second.socket, first.socket) == first.socket)
      poller.open(first.socket)
      poller.watch(first.socket, interest)
      #expect(heard(poller) == [first.socket])
      poller.watch(first.socket, Self.removed)
      poller.watch(first.socket, Self.writing)
      #expect(heard(poller) == [first.socket])
    }
  }

  @Test("Two resolvers in turn may have the same number")
  func resolvers() throws {
    try withPoller { poller in
      let (first, second) = (try readySocket(), try readySocket())
      defer { for descriptor in [first.socket, first.peer, second.socket, second.peer] { close(descriptor) } }
      poller.watch(first.socket, Self.reading)
      poller.watch(first.socket, Self.removed)
      try #require(dup2(second.socket, first.socket) == first.socket)
      poller.watch(first.socket, Self.reading)
      #expect(heard(poller) == [first.socket])
    }
  }

  @Test(
    "A connection that is slow to come is heard of after its host's name has been looked up",
    .enabled(if: ownName != nil, "the name of this machine is none of the loopback interface"))
  func slowConnection() async throws {
    let beginning = DispatchSignal()
    let server = try SocketServer(backlog: 0, beginning: beginning) { connection in
      while connection.readRequest() != nil { connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
    }
    // Takes the only place; the next one's first packet is dropped, and comes again after a second.
    let first = try connectedSocket(server.port)
    defer { close(first) }
    let transport = try HTTPTransport()
    // Unwatched, it would be heard of at the limit of time, which is longer than the test's.
    let limits = TimeLimits(connect: .seconds(300))
    let request = HTTPRequest(.get, server.url(host: try #require(ownName)), timeLimits: limits)
    async let status = transport.send(request).status
    while !isConnecting(server.port) { await Task.yield() }
    beginning.signal()
    #expect(try await status == 200)
  }

  private func connectedSocket(_ port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(code == 0)
    return descriptor
  }

  /// Whether a socket waits for its connection to `port`: state 02 in proc(5), /proc/net/tcp.
  private func isConnecting(_ port: UInt16) -> Bool {
    guard let file = fopen("/proc/net/tcp", "r") else { return false }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    let number = String(port, radix: 16, uppercase: true)
    let target = ":" + String(repeating: "0", count: 4 - number.count) + number
    while fgets(&line, Int32(line.count), file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self).split(separator: " ")
      if words.count > 3, words[2].hasSuffix(target), words[3] == "02" { return true }
    }
    return false
  }
}

/// This machine's name, if it is one of 127.0.0.1. libcurl looks up `localhost` itself, others in a thread.
private let ownName: String? = {
  var name = [CChar](repeating: 0, count: 256)
  guard gethostname(&name, name.count - 1) == 0, let entry = gethostbyname(name), entry.pointee.h_addrtype == AF_INET,
    let address = entry.pointee.h_addr_list[0]
  else { return nil }
  let bytes = UnsafeRawBufferPointer(start: address, count: 4)
  return bytes.elementsEqual([127, 0, 0, 1])
    ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self) : nil
}()
