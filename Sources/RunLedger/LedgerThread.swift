import Glibc
import SlipwayModel
import Synchronization

/// The thread that makes every call of SQLite: they block in the kernel, which a thread of the cooperative pool must
/// not. It takes whatever has been asked for meanwhile at once, so that callers that come together share one commit.
///
/// What waits here is bounded by those who wait: each task has at most one request under way.
final class LedgerThread: Sendable {
  enum Work: Sendable {
    case commit([LedgerChange], @Sendable (Result<Void, Failure>) -> Void)
    case read(@Sendable (any LedgerConnection) -> Void)
    case close(@Sendable () -> Void)
  }

  private let mailbox = Mailbox()

  /// Starts the thread and opens the connection in it; returns once that is done.
  init(opening open: @escaping @Sendable () throws(Failure) -> any LedgerConnection) async throws(Failure) {
    let mailbox = mailbox
    let opened = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, Failure>, Never>) in
      let problem = startThread {
        do throws(Failure) {
          let connection = try open()
          continuation.resume(returning: .success(()))
          Self.serve(mailbox, connection)
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      if let problem { continuation.resume(returning: .failure(problem)) }
    }
    try opened.get()
  }

  deinit {
    mailbox.stop()
  }

  /// False once the thread has been told to close: then nothing comes of `work`.
  func submit(_ work: Work) -> Bool {
    mailbox.put(work)
  }

  private static func serve(_ mailbox: Mailbox, _ connection: any LedgerConnection) {
    var whenClosed: (@Sendable () -> Void)?
    while whenClosed == nil, let batch = mailbox.takeAll() {
      commit(batch, connection)
      for case .read(let body) in batch { body(connection) }
      for case .close(let done) in batch { whenClosed = done }
    }
    connection.close()
    whenClosed?()
  }

  private static func commit(_ batch: [Work], _ connection: any LedgerConnection) {
    var groups: [[LedgerChange]] = []
    var answers: [@Sendable (Result<Void, Failure>) -> Void] = []
    for case .commit(let changes, let answer) in batch {
      groups.append(changes)
      answers.append(answer)
    }
    if groups.isEmpty { return }
    for (answer, result) in zip(answers, connection.commit(groups)) { answer(result) }
  }
}

/// What has been asked for and not been taken yet.
///
/// Sendable by hand: the semaphore is made to be used by several threads, and its address never changes.
private final class Mailbox: @unchecked Sendable {
  private struct Content {
    var waiting: [LedgerThread.Work] = []
    var isClosing = false
  }

  private let content = Mutex(Content())
  private let filled = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() {
    sem_init(filled, 0, 0)
  }

  deinit {
    sem_destroy(filled)
    filled.deallocate()
  }

  func put(_ work: LedgerThread.Work) -> Bool {
    let isAccepted = content.withLock { content in
      if content.isClosing { return false }
      content.waiting.append(work)
      if case .close = work { content.isClosing = true }
      return true
    }
    if isAccepted { sem_post(filled) }
    return isAccepted
  }

  func stop() {
    content.withLock { $0.isClosing = true }
    sem_post(filled)
  }

  /// Everything that waits, at least one; nil when there is nothing and nothing can come any more.
  func takeAll() -> [LedgerThread.Work]? {
    while true {
      // EINTR is the only way to fail; an early look does no harm.
      sem_wait(filled)
      let (batch, isClosing) = content.withLock { content in
        let batch = content.waiting
        content.waiting = []
        return (batch, content.isClosing)
      }
      if !batch.isEmpty { return batch }
      if isClosing { return nil }
    }
  }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Runs `body` in a detached thread; returns why there is none.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Failure? {
  let argument = Unmanaged.passRetained(ThreadBody(body))
  var thread = pthread_t()
  let code = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
      return nil
    }, argument.toOpaque())
  guard code == 0 else {
    argument.release()
    return Failure(.fatal, "start", "the ledger's thread", code: "EAGAIN", cause: systemText(code) ?? "no reason given")
  }
  pthread_detach(thread)
  return nil
}
