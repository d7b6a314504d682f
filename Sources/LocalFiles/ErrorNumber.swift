import CLibc
import Glibc

/// What a system call left in `errno`.
package struct ErrorNumber: Error, Hashable, Sendable {
  package let value: Int32

  package init(_ value: Int32) { self.value = value }

  /// Of the call that has just failed on this thread.
  package static var last: ErrorNumber { ErrorNumber(errno) }

  /// `EACCES`; `errno 4095` where the C library knows no name.
  package var name: String {
    strerrorname_np(value).map { String(cString: $0) } ?? "errno \(value)"
  }

  /// `Permission denied`.
  package var text: String {
    strerrordesc_np(value).map { String(cString: $0) } ?? "unknown error \(value)"
  }
}

/// Calls until the answer is not EINTR. Throws what `errno` says of -1.
package func retryingInterrupted(_ call: () -> Int32) throws(ErrorNumber) -> Int32 {
  while true {
    let answer = call()
    if answer >= 0 { return answer }
    if errno != EINTR { throw ErrorNumber.last }
  }
}
