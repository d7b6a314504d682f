import Foundation
import Synchronization
import TestSupport

/// An HTTP server on loopback that keeps what it is asked and answers with the given codes, the last one for ever.
final class AnsweringServer: Sendable {
  let port: UInt16
  private let listener: CInt
  private let seen = Mutex<[String]>([])

  var requests: [String] { seen.withLock { $0 } }

  init(_ codes: [Int]) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard listener >= 0, bound else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    self.listener = listener
    port = UInt16(bigEndian: address.sin_port)
    let thread = Thread { [weak self] in
      var codes = codes[...]
      while case let connection = CloseOnExec.accept(listener), connection >= 0 {
        self?.answer(connection, codes.count > 1 ? codes.removeFirst() : codes.first ?? 200)
      }
    }
    thread.start()
  }

  deinit {
    // Wakes the thread out of accept.
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  private func answer(_ connection: CInt, _ code: Int) {
    defer { close(connection) }
    var request: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while !Self.isWhole(request) {
      let count = read(connection, &chunk, chunk.count)
      if count <= 0 { return }
      request += chunk[..<count]
    }
    seen.withLock { $0.append(String(decoding: request, as: UTF8.self)) }
    let answer =
      "HTTP/1.1 \(code) X\r\nLocation: http://127.0.0.1:\(port)/elsewhere\r\nContent-Length: 0\r\n"
      + "Connection: close\r\n\r\n"
    _ = write(connection, answer, answer.utf8.count)
  }

  private static func isWhole(_ request: [UInt8]) -> Bool {
    guard let end = String(decoding: request, as: UTF8.self).range(of: "\r\n\r\n") else { return false }
    let head = String(decoding: request, as: UTF8.self)[..<end.lowerBound]
    let line = head.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
    let length = Int(line?.dropFirst(15).trimmingCharacters(in: .whitespaces) ?? "") ?? 0
    return request.count >= head.utf8.count + 4 + length
  }
}
