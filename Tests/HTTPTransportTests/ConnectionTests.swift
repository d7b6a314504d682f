import Glibc
import HTTPTransport
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@Suite struct ConnectionTests {
  private func reason(_ body: () async throws -> Void) async -> HTTPTransportError.Reason? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? HTTPTransportError)?.reason
    }
  }

  @Test("Connections are used again")
  func reuse() async throws {
    let server = try SocketServer { connection in
      while connection.readRequest() != nil { connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
    }
    let transport = try HTTPTransport()
    for _ in 0..<20 { _ = try await transport.send(HTTPRequest(.put, server.url(), body: .bytes([1]))) }
    #expect(server.connections == 1)
  }

  @Test("Header and small body arrive in one piece")
  func oneSend() async throws {
    let reads = Shared(received: Mutex(nil))
    let server = try SocketServer { connection in
      guard let request = connection.readRequest() else { return }
      reads.log.withLock { $0.append("\(connection.reads) \(request.body.count)") }
      connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }
    _ = try await HTTPTransport().send(
      HTTPRequest(.put, server.url(), body: .bytes([UInt8](repeating: 1, count: 4096))))
    #expect(reads.log.withLock { $0 } == ["1 4096"])
  }

  @Test("A kept connection that the server has closed costs a new connection, not an error")
  func closedKeepAlive() async throws {
    let server = try SocketServer { connection in
      if connection.readRequest() != nil { connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
    }
    let transport = try HTTPTransport()
    for _ in 0..<5 { _ = try await transport.send(HTTPRequest(.put, server.url(), body: .bytes([1]))) }
    #expect(server.connections == 5)
  }

  @Test("A kept connection that dies at the next request is replaced, the file is rewound, and bytes count once")
  func diesOnReuse() async throws {
    let shared = Shared(received: Mutex(nil))
    let turn = Counter()
    let server = try SocketServer { connection in
      let isFirst = turn.next() == 1
      while true {
        if isFirst, shared.log.withLock({ !$0.isEmpty }) {
          _ = connection.readHead()
          connection.reset()
          return
        }
        guard let request = connection.readRequest() else { return }
        shared.log.withLock { $0.append("\(request.body.count)") }
        shared.received.withLock { $0 = request }
        connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      }
    }
    let transport = try HTTPTransport()
    let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 11) }
    let file = TestFile(content)
    let meter = TransferMeter()
    for _ in 0..<2 {
      let body = HTTPBody.file(FilePart(file: file, offset: 0, count: 300_000))
      _ = try await transport.send(HTTPRequest(.put, server.url(), body: body, progress: meter))
    }
    #expect(server.connections == 2)
    #expect(shared.received.withLock { $0?.body } == content)
    #expect(meter.snapshot.bytes == 600_000)
  }

  @Test("Nobody listens: no connection")
  func refused() async throws {
    let port = try SocketServer { _ in }.port
    let transport = try HTTPTransport()
    let error = await #expect(throws: HTTPTransportError.self) {
      try await transport.send(HTTPRequest(.get, "http://127.0.0.1:\(port)/"))
    }
    #expect(error?.reason == .connectionRefused)
    #expect(error?.failure("upload", "x").isUnreachable == true)
    #expect(error?.kind == .transient(retryAfter: nil))
  }

  @Test("A reset instead of an answer is a lost connection")
  func reset() async throws {
    let server = try SocketServer { connection in
      _ = connection.readRequest()
      connection.reset()
    }
    let meter = TransferMeter()
    let transport = try HTTPTransport()
    let found = await reason {
      _ = try await transport.send(HTTPRequest(.put, server.url(), body: .bytes([1, 2]), progress: meter))
    }
    #expect(found == .connectionLost)
    #expect(meter.snapshot.bytes == 0)
  }

  @Test("A server that accepts and never answers is given up after the stall limit")
  func stall() async throws {
    let server = try SocketServer { $0.waitForEnd() }
    let transport = try HTTPTransport()
    let limits = TimeLimits(connect: .seconds(5), stall: .seconds(1))
    let found = await reason { _ = try await transport.send(HTTPRequest(.get, server.url(), timeLimits: limits)) }
    #expect(found == .stalled)
  }

  @Test("A server that stops reading in the middle of a body is given up after the stall limit")
  func stallWhileSending() async throws {
    let end = DispatchSignal()
    let server = try SocketServer { connection in
      _ = connection.readHead()
      end.wait()
    }
    let transport = try HTTPTransport()
    let file = TestFile([UInt8](repeating: 1, count: 30_000_000))
    let meter = TransferMeter()
    let request = HTTPRequest(
      .put, server.url(), body: .file(FilePart(file: file, offset: 0, count: 30_000_000)),
      timeLimits: TimeLimits(connect: .seconds(5), stall: .seconds(1)), progress: meter)
    let found = await reason { _ = try await transport.send(request) }
    end.signal()
    #expect(found == .stalled)
    #expect(meter.snapshot.bytes == 0)
  }

  @Test("A file that became shorter is told apart, and nothing is padded")
  func sourceChanged() async throws {
    let server = try SocketServer { connection in
      _ = connection.readHead()
      connection.waitForEnd()
    }
    let transport = try HTTPTransport()
    let file = TestFile([UInt8](repeating: 1, count: 1_000_000))
    file.truncate(to: 999_999)
    let meter = TransferMeter()
    let error = await #expect(throws: HTTPTransportError.self) {
      try await transport.send(
        HTTPRequest(
          .put, server.url(), body: .file(FilePart(file: file, offset: 0, count: 1_000_000)), progress: meter))
    }
    #expect(error == HTTPTransportError(.sourceChanged))
    #expect(error?.failure("upload", "a").message == "cannot upload a: the file became shorter while it was sent")
    #expect(meter.snapshot.bytes == 0)
  }

  @Test("Cancelling the task aborts the transfer and closes its connection")
  func cancel() async throws {
    let (arrived, gone) = (AsyncSignal(), AsyncSignal())
    let server = try SocketServer { connection in
      _ = connection.readRequest()
      arrived.signal()
      connection.waitForEnd()
      gone.signal()
    }
    let transport = try HTTPTransport()
    let task = Task { try await transport.send(HTTPRequest(.get, server.url())) }
    await arrived.wait()
    task.cancel()
    let found = await reason { _ = try await task.value }
    #expect(found == .cancelled)
    await gone.wait()
  }

  @Test("A task that was cancelled before sends nothing")
  func cancelledBefore() async throws {
    let server = try SocketServer { _ in }
    let transport = try HTTPTransport()
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await transport.send(HTTPRequest(.get, server.url()))
    }
    task.cancel()
    let found = await reason { _ = try await task.value }
    #expect(found == .cancelled)
    #expect(server.connections == 0)
  }

  @Test("Shutting down ends what is under way and refuses what comes later; twice is safe")
  func shutdown() async throws {
    let arrived = AsyncSignal()
    let server = try SocketServer { connection in
      _ = connection.readRequest()
      arrived.signal()
      connection.waitForEnd()
    }
    let transport = try HTTPTransport()
    let task = Task { try await transport.send(HTTPRequest(.get, server.url())) }
    await arrived.wait()
    transport.shutdown()
    transport.shutdown()
    let underWay = await reason { _ = try await task.value }
    let later = await reason { _ = try await transport.send(HTTPRequest(.get, server.url())) }
    #expect(underWay == .shutDown)
    #expect(later == .shutDown)
  }

  @Test("A transport leaves no descriptor behind, and the counter counts")
  func descriptors() async throws {
    let server = try SocketServer { connection in
      while connection.readRequest() != nil { connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
    }
    let transport = try HTTPTransport()
    _ = try await transport.send(HTTPRequest(.get, server.url()))
    #expect(connectionsTo(server.port) == 1)
    transport.shutdown()
    // The loop's own state goes with the transport; the connection, too.
    withExtendedLifetime(transport) {}
    var waited = 0
    while connectionsTo(server.port) > 0, waited < 1_000 {
      usleep(10_000)
      waited += 1
    }
    #expect(connectionsTo(server.port) == 0)
  }

  /// Sockets of this process that are connected to `port`.
  private func connectionsTo(_ port: UInt16) -> Int {
    (0..<1024).count { descriptor in
      var address = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let code = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(Int32(descriptor), $0, &length) }
      }
      return code == 0 && UInt16(bigEndian: address.sin_port) == port
    }
  }
}

final class Counter: Sendable {
  private let value = Atomic<Int>(0)
  func next() -> Int { value.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
}

/// Tells a task, once, that something has happened in a thread.
final class AsyncSignal: Sendable {
  private let stream: AsyncStream<Void>
  private let continuation: AsyncStream<Void>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream()
  }

  func signal() { continuation.finish() }
  func wait() async { for await _ in stream {} }
}

/// Tells a thread that something has happened in a task.
final class DispatchSignal: Sendable {
  private let descriptors: (read: Int32, write: Int32)

  init() {
    let ends = CloseOnExec.pipe() ?? (-1, -1)
    descriptors = (ends.reading, ends.writing)
  }

  deinit {
    close(descriptors.read)
    close(descriptors.write)
  }

  func signal() { _ = write(descriptors.write, "x", 1) }
  func wait() {
    var byte: UInt8 = 0
    _ = read(descriptors.read, &byte, 1)
  }
}
