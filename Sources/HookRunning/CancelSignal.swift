import Glibc
import Synchronization

/// Carries the cancellation of a task to the thread of its hook, which waits in poll(2).
final class CancelSignal: Sendable {
  private let flag = Atomic(false)
  private let pipe: (reader: Descriptor, writer: Descriptor)

  /// nil where there is no pipe left; `errno` tells why.
  init?() {
    guard let pipe = Descriptor.pipe() else { return nil }
    self.pipe = pipe
  }

  var isCancelled: Bool { flag.load(ordering: .acquiring) }

  /// Readable once the task is cancelled.
  var descriptor: CInt { pipe.reader.number }

  /// From any thread, as often as one likes, also after `close`.
  func cancel() {
    if !flag.exchange(true, ordering: .acquiringAndReleasing) { pipe.writer.signal() }
  }

  func close() {
    pipe.writer.close()
    pipe.reader.close()
  }
}
