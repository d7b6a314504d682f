import CLibc
import Glibc
import LocalFiles
import Synchronization

/// How other threads reach the one that sleeps in poll(2). Any thread.
final class WakeUp: Sendable {
  /// Readable once somebody has called.
  let descriptor: Int32
  private let stopped = Atomic<Bool>(false)

  init() throws(ErrorNumber) {
    descriptor = slipway_eventfd()
    if descriptor < 0 { throw ErrorNumber.last }
  }

  deinit { close(descriptor) }

  var isStopped: Bool { stopped.load(ordering: .acquiring) }

  func signal() {
    // eventfd(2): fails only if the count would overflow, and then it is readable anyway.
    var one: UInt64 = 1
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }

  func stop() {
    stopped.store(true, ordering: .releasing)
    signal()
  }

  /// Makes it unreadable again.
  func clear() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
  }
}

/// A joinable thread that runs `body`; its name has at most 15 bytes.
func startThread(_ name: StaticString, _ body: @escaping @Sendable () -> Void) throws(ErrorNumber) -> pthread_t {
  let context = Unmanaged.passRetained(ThreadBody(name: name, run: body))
  var thread = pthread_t()
  let number = pthread_create(
    &thread, nil,
    { context in
      guard let context else { return nil }
      let body = Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
      _ = slipway_name_thread(UnsafeRawPointer(body.name.utf8Start).assumingMemoryBound(to: CChar.self))
      body.run()
      return nil
    }, context.toOpaque())
  if number == 0 { return thread }
  context.release()
  throw ErrorNumber(number)
}

private final class ThreadBody: Sendable {
  let name: StaticString
  let run: @Sendable () -> Void

  init(name: StaticString, run: @escaping @Sendable () -> Void) {
    self.name = name
    self.run = run
  }
}
