import Glibc
import SlipwayModel
import Synchronization

/// HTTP/1.1 over libcurl, all transfers in one thread.
///
/// Connections are kept and used again. Redirects are not followed, proxies come from the environment as libcurl has
/// them, certificates are always checked. Nothing is retried, but for a kept connection that the server had closed
/// before it said anything: there libcurl sends once more on a new one.
package final class HTTPTransport: Sendable {
  package struct Settings: Sendable {
    /// PEM certificates to trust in place of the system's; nil: the system's.
    package var caBundle: String?
    package var userAgent: String
    package var timeLimits: TimeLimits

    package init(caBundle: String? = nil, userAgent: String = "slipway", timeLimits: TimeLimits = TimeLimits()) {
      self.caBundle = caBundle
      self.userAgent = userAgent
      self.timeLimits = timeLimits
    }
  }

  private let queue: SubmissionQueue
  private let thread: Mutex<pthread_t?>

  /// Starts the thread. Throws a fatal failure where the system gives no descriptor, thread or memory for it.
  package init(_ settings: Settings = Settings()) throws(Failure) {
    let queue = try SubmissionQueue()
    let loop = try TransferLoop(settings, queue)
    self.queue = queue
    self.thread = Mutex(try LoopThread.start { loop.run() })
  }

  deinit {
    shutdown()
  }

  /// Sends the request and waits for the whole answer, whatever its status. Cancelling the task aborts the transfer.
  /// May be called from any task, any number at once: the caller bounds them.
  nonisolated(nonsending) package func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
    let exchange = Exchange(request)
    let result = await withTaskCancellationHandler {
      // Unsafe to save its bookkeeping: `Exchange.finish` is the only place that resumes, and does so once.
      await withUnsafeContinuation { continuation in
        exchange.begin(continuation)
        queue.submit(exchange)
      }
    } onCancel: {
      queue.cancel(exchange)
    }
    return try result.get()
  }

  /// Aborts what is under way, ends the thread and waits for it: a few milliseconds. May be called twice and from any
  /// thread but a callback's; a later `send` fails as `shutDown`.
  package func shutdown() {
    queue.stop()
    thread.withLock { thread in
      if let running = thread { pthread_join(running, nil) }
      thread = nil
    }
  }
}
