import Glibc
import LocalFiles
import SlipwayModel
import Synchronization

/// Events by inotify(7): one instance, one thread.
package final class InotifySource: EventSource {
  private enum Life {
    case new
    case running(pthread_t)
    /// The thread is on its way out; these wait for it.
    case stopping([CheckedContinuation<Void, Never>])
    case ended
  }

  private let pending = PendingEvents()
  private let wake: WakeUp
  private let pace: WatchPace
  private let seams: WatchSeams
  private let life = Mutex<Life>(.new)

  /// Throws where no descriptor is to be had.
  package convenience init(_ pace: WatchPace = WatchPace()) throws(Failure) {
    try self.init(pace, seams: WatchSeams())
  }

  init(_ pace: WatchPace, seams: WatchSeams) throws(Failure) {
    self.pace = pace
    self.seams = seams
    do throws(ErrorNumber) {
      wake = try WakeUp()
    } catch {
      throw Failure(errno: error.value, operation: "start", subject: "watching")
    }
  }

  deinit {
    // Without `stop` the thread ends by itself.
    wake.stop()
    if case .running(let thread) = life.withLock({ $0 }) { pthread_detach(thread) }
  }

  package func start(_ directories: [BytePath], interest: WatchInterest) async throws(Failure) {
    let (pending, wake, pace, seams) = (pending, wake, pace, seams)
    let failure: Failure? = await withCheckedContinuation { started in
      let body: @Sendable () -> Void = {
        let loop: WatchLoop
        do throws(Failure) {
          loop = try WatchLoop(
            directories, interest: interest, pending: pending, wake: wake, pace: pace, seams: seams)
        } catch {
          started.resume(returning: error)
          return
        }
        started.resume(returning: nil)
        loop.run()
      }
      if let failure = launch(body) { started.resume(returning: failure) }
    }
    if let failure { throw failure }
  }

  package func next() async -> [TreeEvent]? {
    let events = await pending.next()
    // The thread may be waiting for room.
    if events != nil { wake.signal() }
    return events
  }

  package func stop() async {
    wake.stop()
    pending.end()
    await withCheckedContinuation { ended in
      let thread: pthread_t? = life.withLock { life in
        switch life {
        case .new, .ended:
          life = .ended
          ended.resume()
        case .running(let thread):
          life = .stopping([ended])
          return thread
        case .stopping(let waiting):
          life = .stopping(waiting + [ended])
        }
        return nil
      }
      if let thread { join(thread) }
    }
  }

  /// Why the thread could not be made.
  private func launch(_ body: @escaping @Sendable () -> Void) -> Failure? {
    life.withLock { life in
      guard case .new = life else {
        return Failure(.permanent, "start", "watching", cause: "it was started or stopped before")
      }
      do throws(ErrorNumber) {
        life = .running(try startThread("slipway-watch", body))
        return nil
      } catch {
        return Failure(errno: error.value, operation: "start", subject: "the thread that watches")
      }
    }
  }

  /// pthread_join(3) blocks: on a thread of its own, which nobody waits for.
  private func join(_ thread: pthread_t) {
    let address = UInt(thread)
    let body: @Sendable () -> Void = {
      pthread_join(pthread_t(address), nil)
      self.ended()
    }
    do throws(ErrorNumber) {
      pthread_detach(try startThread("slipway-join", body))
    } catch {
      // No thread is to be had: the one that ends needs less than a directory's listing for it.
      body()
    }
  }

  private func ended() {
    let waiting: [CheckedContinuation<Void, Never>] = life.withLock { life in
      defer { life = .ended }
      if case .stopping(let waiting) = life { return waiting }
      return []
    }
    for continuation in waiting { continuation.resume() }
  }
}

/// What tests change about the kernel.
struct WatchSeams: Sendable {
  /// Called before each look at the kernel's events; may block.
  var beforeReading: (@Sendable () -> Void)?
  /// As if that were the user's limit of watches.
  var watchesMax = Int.max
  /// Asked before an instance of inotify is made: as if that were the user's limit of them.
  var refusesInstance: (@Sendable () -> Bool)?
  /// As if the kernel told of nothing.
  var isDeaf = false
  /// As if everything lay on a file system with this f_type of statfs(2).
  var magic: UInt32?
}
