/// Transfers that wait for their turn under a limit of rate: those whose body lies in memory before they begin, those
/// that send a file in the middle of it. For the loop's thread.
final class Throttle {
  private struct Line {
    let limit: RateLimit
    var waiting: [Exchange] = []
  }

  /// A line a limit; there are as many as destinations with limits.
  private var lines: [Line] = []
  /// The line that is asked first the next time: those that share an outer limit take turns.
  private var first = 0

  /// How much of `wanted` bytes of its file the transfer may send now; 0: it waits, and is told when it is its turn.
  func grant(_ wanted: Int, to exchange: Exchange) -> Int {
    guard let limit = exchange.request.rateLimit else { return wanted }
    if exchange.allowance == 0 {
      let index = line(of: limit)
      if lines[index].waiting.isEmpty { exchange.allowance = limit.take(wanted) }
      if exchange.allowance == 0 { wait(exchange, wanted, in: index) }
    }
    let granted = min(wanted, exchange.allowance)
    exchange.allowance -= granted
    return granted
  }

  /// Whether a transfer may begin; if not it waits. A file's first bytes do not: they are asked for when they are read.
  func mayBegin(_ exchange: Exchange) -> Bool {
    guard let limit = exchange.request.rateLimit else { return true }
    let size = exchange.request.sizeBeforeFile
    if case .bytes = exchange.request.body {
      let index = line(of: limit)
      guard lines[index].waiting.isEmpty, limit.takeAll(size) else {
        wait(exchange, size, in: index)
        return false
      }
    } else {
      limit.charge(size)
    }
    return true
  }

  /// Takes out all whose turn it is, in order, each with what it has waited for.
  func takeDue() -> [Exchange] {
    var due: [Exchange] = []
    var misses = 0
    while misses < lines.count {
      first = (first + 1) % lines.count
      if let next = takeNext(of: first) {
        due.append(next)
        misses = 0
      } else {
        misses += 1
      }
    }
    return due
  }

  /// It is over, or given up; whether it was waiting.
  @discardableResult
  func forget(_ exchange: Exchange) -> Bool {
    guard exchange.awaited > 0 else { return false }
    exchange.awaited = 0
    for index in lines.indices { lines[index].waiting.removeAll { $0 === exchange } }
    return true
  }

  /// Those that wait, without a handle yet or with one.
  var all: [Exchange] { lines.flatMap(\.waiting) }

  /// For epoll_wait: -1 for ever. Rounded up, so that it does not wake a moment too early, over and over.
  var millisecondsLeft: Int32 {
    var left: Int64?
    for line in lines {
      guard let next = line.waiting.first else { continue }
      left = min(left ?? .max, line.limit.delay(for: next.awaited))
    }
    return left.map { Int32(clamping: ($0 + 999_999) / 1_000_000) } ?? -1
  }

  /// Whoever waits keeps its place: libcurl asks once more where it sends a file again, on a new connection.
  private func wait(_ exchange: Exchange, _ wanted: Int, in index: Int) {
    if exchange.awaited == 0 { lines[index].waiting.append(exchange) }
    exchange.awaited = wanted
  }

  private func takeNext(of index: Int) -> Exchange? {
    guard let next = lines[index].waiting.first else { return nil }
    if next.handle == nil {
      guard lines[index].limit.takeAll(next.awaited) else { return nil }
    } else {
      next.allowance = lines[index].limit.take(next.awaited)
      if next.allowance == 0 { return nil }
    }
    next.awaited = 0
    return lines[index].waiting.removeFirst()
  }

  private func line(of limit: RateLimit) -> Int {
    if let index = lines.firstIndex(where: { $0.limit === limit }) { return index }
    lines.append(Line(limit: limit))
    return lines.count - 1
  }
}

extension HTTPRequest {
  /// What goes out of the request before a file's bytes, or of all of it where there is no file; in bytes.
  fileprivate var sizeBeforeFile: Int {
    let head = url.utf8.count + fields.lines.count + fields.starts.count + Self.ownFieldsSize
    if case .bytes(let buffer) = body { return head + buffer.count }
    return head
  }

  /// About what the method and the fields of libcurl's own take: Host, User-Agent, Accept, Content-Length.
  private static let ownFieldsSize = 100
}
