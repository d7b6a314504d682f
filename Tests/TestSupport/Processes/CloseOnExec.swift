import Glibc

/// Descriptors that no program inherits, not even one that another thread starts at the same moment: a copy in a
/// stranger would keep a pipe or a connection open. Glibc's module shows neither pipe2(2) nor accept4(2).
package enum CloseOnExec {
  private typealias Pipe2 = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
  private typealias Accept4 =
    @convention(c) (
      Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?, Int32
    ) -> Int32

  private static let pipe2 = dlsym(nil, "pipe2").map { unsafeBitCast($0, to: Pipe2.self) }
  private static let accept4 = dlsym(nil, "accept4").map { unsafeBitCast($0, to: Accept4.self) }

  /// nil with `errno`.
  package static func pipe() -> (reading: Int32, writing: Int32)? {
    var ends: [Int32] = [-1, -1]
    guard let pipe2, pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
    return (ends[0], ends[1])
  }

  /// -1 with `errno`.
  package static func accept(_ listener: Int32) -> Int32 {
    accept4?(listener, nil, nil, Int32(SOCK_CLOEXEC.rawValue)) ?? -1
  }
}
