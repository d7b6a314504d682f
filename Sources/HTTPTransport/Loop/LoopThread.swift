import CLibc
import Glibc
import SlipwayModel

/// A thread of its own for a loop that blocks.
enum LoopThread {
  static func start(_ body: @escaping @Sendable () -> Void) throws(Failure) -> pthread_t {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(ThreadBody(body))
    let code = pthread_create(&thread, nil, runThreadBody, box.toOpaque())
    guard code == 0 else {
      box.release()
      throw Failure(
        .fatal, "start", "the transfer thread", code: "errno \(code)", cause: String(cString: strerror(code)))
    }
    return thread
  }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void

  init(_ run: @escaping @Sendable () -> Void) {
    self.run = run
  }
}

private func runThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  // Signals are for other threads, and a write to a closed TLS connection must not end the process by SIGPIPE:
  // libcurl leaves that to its user when CURLOPT_NOSIGNAL is set.
  var all = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_BLOCK, &all, nil)
  _ = slipway_name_thread("slipway-http")
  Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}
