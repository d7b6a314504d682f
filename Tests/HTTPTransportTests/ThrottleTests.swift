import SlipwayModel
import Synchronization
import Testing

@testable import HTTPTransport

@Suite("Transfers under a limit of rate", .timeLimit(.minutes(1))) struct ThrottleTests {
  private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
  private let time = Time()

  /// Its time stands still until the test sets it, so that all but the first burst waits.
  private func standingLimit(_ bytesPerSecond: Int64) -> RateLimit {
    RateLimit(bytesPerSecond: bytesPerSecond, now: { [time] in time.now })
  }

  private func accepting() throws -> SocketServer {
    try SocketServer { connection in
      while connection.readRequest() != nil { connection.answer(Self.ok) }
    }
  }

  private func file(_ count: Int, _ limits: TimeLimits? = nil, to server: SocketServer) -> HTTPRequest {
    let file = TestFile((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 2) })
    return HTTPRequest(
      .put, server.url(), body: .file(FilePart(file: file, offset: 0, count: Int64(count))), timeLimits: limits)
  }

  private func bytes(_ count: Int, to server: SocketServer) -> HTTPRequest {
    HTTPRequest(.put, server.url(), body: .bytes([UInt8](repeating: 1, count: count)))
  }

  @Test("A file arrives whole, takes the time that the rate gives, and is counted once")
  func file() async throws {
    let received = Shared(received: Mutex(nil))
    let server = try SocketServer { connection in
      guard let request = connection.readRequest() else { return }
      received.received.withLock { $0 = request }
      connection.answer(Self.ok)
    }
    let limit = RateLimit(bytesPerSecond: 1_000_000, now: { [time] in time.ticking(25_000_000) })
    let meter = TransferMeter()
    var request = file(2_000_000, to: server)
    request.progress = meter
    let response = try await LimitedSender(HTTPTransport(), limit: limit).send(request)
    #expect(response.status == 200)
    let body = received.received.withLock { $0?.body }
    #expect(body == (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 2) })
    #expect(meter.snapshot.bytes == 2_000_000)
    #expect(time.now >= 1_900_000_000)
  }

  @Test("Bodies in memory wait before they begin, and all get their answer")
  func memory() async throws {
    let server = try accepting()
    let limit = RateLimit(bytesPerSecond: 100_000, now: { [time] in time.ticking(25_000_000) })
    let sender = LimitedSender(try HTTPTransport(), limit: limit)
    let answered = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<50 { group.addTask { try await sender.send(bytes(4_000, to: server)).status } }
      return try await group.reduce(into: 0) { $0 += $1 == 200 ? 1 : 0 }
    }
    #expect(answered == 50)
    #expect(time.now >= 1_800_000_000)
  }

  @Test("A transfer that we hold back is not one that stands still")
  func noStall() async throws {
    let server = try accepting()
    let silent = try SocketServer { $0.waitForEnd() }
    let transport = try HTTPTransport()
    let sender = LimitedSender(transport, limit: standingLimit(1_000_000))
    let held = Task {
      try await sender.send(file(300_000, TimeLimits(connect: .seconds(5), stall: .seconds(1)), to: server)).status
    }
    // Ends after its own limit, which is longer than that of the one that is held back.
    let other = HTTPRequest(.get, silent.url(), timeLimits: TimeLimits(connect: .seconds(5), stall: .seconds(3)))
    await #expect(throws: HTTPTransportError.self) { try await transport.send(other) }
    let running = letTimeRun()
    #expect(try await held.value == 200)
    running.cancel()
  }

  @Test("A connection that stands still after a pause is given up, on the same handle too")
  func stallsLater() async throws {
    let (server, silent) = (try accepting(), try SocketServer { $0.waitForEnd() })
    let transport = try HTTPTransport()
    let sender = LimitedSender(transport, limit: standingLimit(1_000))
    let limits = TimeLimits(connect: .seconds(5), stall: .seconds(1))
    let held = Task { try await sender.send(file(300_000, limits, to: server)) }
    await waitForConnection(to: server)
    held.cancel()
    await #expect(throws: HTTPTransportError(.cancelled)) { try await held.value }
    let error = await #expect(throws: HTTPTransportError.self) {
      try await transport.send(file(10, limits, to: silent))
    }
    #expect(error?.reason == .stalled)
  }

  @Test("What waits can be cancelled, before it has begun and in the middle, and the next one gets its turn")
  func cancelled() async throws {
    let (server, unheard) = (try accepting(), try accepting())
    let limit = standingLimit(10_000)
    let sender = LimitedSender(try HTTPTransport(), limit: limit)
    let paused = Task { try await sender.send(file(300_000, to: server)) }
    await waitForConnection(to: server)
    let waiting = Task { try await sender.send(bytes(4_000, to: unheard)) }
    let last = Task { try await sender.send(bytes(10, to: server)).status }
    waiting.cancel()
    await #expect(throws: HTTPTransportError(.cancelled)) { try await waiting.value }
    paused.cancel()
    await #expect(throws: HTTPTransportError(.cancelled)) { try await paused.value }
    time.set(10_000_000_000)
    #expect(try await last.value == 200)
    #expect(unheard.connections == 0)
  }

  @Test("A server's early answer ends a transfer that is held back, at its next turn")
  func earlyAnswer() async throws {
    let answered = AsyncSignal()
    let server = try SocketServer { connection in
      _ = connection.readHead()
      connection.answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      answered.signal()
      connection.waitForEnd()
    }
    let sender = LimitedSender(try HTTPTransport(), limit: standingLimit(1_000))
    let held = Task { try await sender.send(file(300_000, to: server)).status }
    await answered.wait()
    let running = letTimeRun()
    #expect(try await held.value == 403)
    running.cancel()
  }

  @Test("Who asks again while it waits keeps its one place, and leaves none behind")
  func asksAgain() throws {
    let throttle = Throttle()
    var request = HTTPRequest(.put, "http://127.0.0.1/")
    request.rateLimit = standingLimit(10_000)
    let exchanges = [Exchange(request), Exchange(request)]
    while throttle.grant(1_000, to: exchanges[0]) > 0 {}
    #expect(throttle.grant(1_000, to: exchanges[1]) == 0)
    #expect(throttle.grant(1_000, to: exchanges[0]) == 0)
    #expect(throttle.all.map { $0 === exchanges[0] } == [true, false])
    #expect(throttle.forget(exchanges[0]))
    #expect(throttle.all.count == 1)
    time.set(10_000_000_000)
    #expect(throttle.takeDue().count == 1)
    #expect(throttle.all.isEmpty)
    #expect(throttle.millisecondsLeft == -1)
  }

  @Test("A kept connection that dies while its transfer is held back costs neither a second request nor the next turn")
  func diesWhileHeld() async throws {
    let (log, again) = (Shared(received: Mutex(nil)), AsyncSignal())
    let server = try SocketServer { connection in
      while let head = connection.readHead() {
        let path = String(head.split(separator: " ")[1])
        if path == "/held", log.log.withLock({ $0 == ["/first"] }) {
          log.log.withLock { $0.append("reset") }
          return connection.reset()
        }
        if path == "/held" { again.signal() }
        guard connection.readBody(of: head) != nil else { return }
        log.log.withLock { $0.append(path) }
        connection.answer(Self.ok)
      }
    }
    let sender = LimitedSender(try HTTPTransport(), limit: standingLimit(100_000))
    func send(_ path: String, _ count: Int) async throws -> Int {
      var request = file(count, to: server)
      request.url = server.url(path)
      return try await sender.send(request).status
    }
    #expect(try await send("/first", 10) == 200)
    async let held = send("/held", 300_000)
    await again.wait()
    let running = letTimeRun()
    #expect(try await held == 200)
    for _ in 0..<2 { #expect(try await send("/next", 300_000) == 200) }
    running.cancel()
    #expect(log.log.withLock { $0 } == ["/first", "reset", "/held", "/next", "/next"])
  }

  @Test("Shutting down ends what waits")
  func shutdown() async throws {
    let server = try accepting()
    let transport = try HTTPTransport()
    let sender = LimitedSender(transport, limit: standingLimit(1_000))
    let paused = Task { try await sender.send(file(300_000, to: server)) }
    await waitForConnection(to: server)
    let waiting = Task { try await sender.send(bytes(4_000, to: server)) }
    transport.shutdown()
    await #expect(throws: HTTPTransportError(.shutDown)) { try await paused.value }
    await #expect(throws: HTTPTransportError(.shutDown)) { try await waiting.value }
  }

  private func letTimeRun() -> Task<Void, Never> {
    Task { [time] in
      while !Task.isCancelled {
        time.set(time.now + 10_000_000)
        await Task.yield()
      }
    }
  }

  private func waitForConnection(to server: SocketServer) async {
    while server.connections == 0 { await Task.yield() }
  }
}
