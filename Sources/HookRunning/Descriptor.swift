import CLibc
import Glibc
import Synchronization

/// An open file descriptor with one owner, closed by hand or at the latest with its last reference.
final class Descriptor: Sendable {
  private let state: Mutex<CInt>

  init(_ number: CInt) {
    state = Mutex(number)
  }

  deinit {
    close()
  }

  /// -1 once it is closed.
  var number: CInt { state.withLock { $0 } }

  /// Does nothing the second time.
  func close() {
    state.withLock { number in
      if number >= 0 { _ = Glibc.close(number) }
      number = -1
    }
  }

  /// Writes one byte, unless it is closed: under the lock, for a closed number may already be another file's.
  func signal() {
    state.withLock { number in
      guard number >= 0 else { return }
      var byte = UInt8(1)
      _ = write(number, &byte, 1)
    }
  }

  /// Opens close-on-exec; `errno` tells why it could not.
  static func open(_ path: [UInt8], _ flags: CInt) -> Descriptor? {
    let number = path.withCString { Glibc.open($0, flags | O_CLOEXEC) }
    return number < 0 ? nil : Descriptor(number)
  }

  /// A pipe, both ends close-on-exec; `errno` tells why there is none.
  static func pipe() -> (reader: Descriptor, writer: Descriptor)? {
    var ends: [CInt] = [-1, -1]
    guard slipway_pipe(&ends) == 0 else { return nil }
    return (Descriptor(ends[0]), Descriptor(ends[1]))
  }
}

extension [UInt8] {
  /// The bytes with a NUL behind them, which they must not contain themselves.
  var terminated: [UInt8] { self + [0] }

  func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    terminated.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        // The buffer holds at least the NUL, so it has an address.
        characters.baseAddress.map(body) ?? body("")
      }
    }
  }
}
