import CLibc
import Glibc
import SlipwayModel

/// Threads for tasks that block in the kernel, so that the cooperative pool never does: a task executor (SE-0417) with
/// a fixed number of threads and one queue. Used by `Task(executorPreference:)` and `withTaskExecutorPreference`.
///
/// Bounded by its users: the queue holds one job for each task that is ready to run.
package final class FileThreads: TaskExecutor {
  private let queue = JobQueue()
  private let threads: [pthread_t]

  /// Starts `count` threads, at least one. Throws where the system gives no more threads.
  package init(count: Int) throws(Failure) {
    var started: [pthread_t] = []
    for _ in 0..<max(1, count) {
      do throws(ErrorNumber) {
        started.append(try Self.start(queue))
      } catch {
        queue.stop()
        for thread in started { pthread_join(thread, nil) }
        throw Failure(errno: error.value, operation: "start", subject: "a thread for files")
      }
    }
    threads = started
  }

  deinit {
    // The last reference may go on one of the threads itself: they end by themselves.
    if queue.stop() {
      for thread in threads { pthread_detach(thread) }
    }
  }

  /// Any thread.
  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // After a shutdown the caller runs what still comes: no task is ever left hanging.
    if !queue.append(job, asUnownedTaskExecutor()) { job.runSynchronously(on: asUnownedTaskExecutor()) }
  }

  /// Ends the threads once the queue is empty, and waits for them. May be called twice; not from a task on these
  /// threads.
  package func shutdown() {
    guard queue.stop() else { return }
    for thread in threads { pthread_join(thread, nil) }
  }

  private static func start(_ queue: JobQueue) throws(ErrorNumber) -> pthread_t {
    let context = Unmanaged.passRetained(queue)
    var thread = pthread_t()
    let number = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        _ = slipway_name_thread("slipway-files")
        Unmanaged<JobQueue>.fromOpaque(context).takeRetainedValue().work()
        return nil
      }, context.toOpaque())
    if number == 0 { return thread }
    context.release()
    throw ErrorNumber(number)
  }
}

/// Jobs in the order in which they came.
///
/// @unchecked: `state` is touched only with `mutex` locked.
private final class JobQueue: @unchecked Sendable {
  typealias Entry = (job: UnownedJob, executor: UnownedTaskExecutor)

  private struct State {
    var jobs = JobRing()
    var idle = 0
    /// Whether a thread has been signalled that has not woken up yet.
    var isWaking = false
    var isStopped = false
  }

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Not a property of its own type: each access to one would be checked for exclusivity by a call.
  private let state = UnsafeMutablePointer<State>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    state.initialize(to: State())
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    state.deinitialize(count: 1)
    condition.deallocate()
    mutex.deallocate()
    state.deallocate()
  }

  /// False after `stop`.
  func append(_ job: UnownedJob, _ executor: UnownedTaskExecutor) -> Bool {
    pthread_mutex_lock(mutex)
    if state.pointee.isStopped {
      pthread_mutex_unlock(mutex)
      return false
    }
    state.pointee.jobs.append((job, executor))
    unlockAndWake()
    return true
  }

  /// False if it was stopped before.
  @discardableResult
  func stop() -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if state.pointee.isStopped { return false }
    state.pointee.isStopped = true
    pthread_cond_broadcast(condition)
    return true
  }

  /// A thread's life.
  func work() {
    while let (job, executor) = take() { job.runSynchronously(on: executor) }
  }

  private func take() -> Entry? {
    pthread_mutex_lock(mutex)
    while state.pointee.jobs.isEmpty, !state.pointee.isStopped {
      state.pointee.idle += 1
      pthread_cond_wait(condition, mutex)
      state.pointee.idle -= 1
      state.pointee.isWaking = false
    }
    guard let entry = state.pointee.jobs.popFirst() else {
      pthread_mutex_unlock(mutex)
      return nil
    }
    unlockAndWake()
    return entry
  }

  /// Wakes one thread at a time, which then wakes the next if there is work for it: a thread that is busy takes most jobs
  /// before another has woken up, and a system call for each would cost more than the job. Signalled without the mutex,
  /// on which the woken thread would have to wait again.
  private func unlockAndWake() {
    let isNeeded = !state.pointee.jobs.isEmpty && state.pointee.idle > 0 && !state.pointee.isWaking
    if isNeeded { state.pointee.isWaking = true }
    pthread_mutex_unlock(mutex)
    if isNeeded { pthread_cond_signal(condition) }
  }
}

/// A queue that grows and never shrinks.
private struct JobRing {
  /// Their number is a power of two.
  private var places = [JobQueue.Entry?](repeating: nil, count: 64)
  private var head = 0
  private var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ entry: JobQueue.Entry) {
    if count == places.count { grow() }
    places[(head + count) & (places.count - 1)] = entry
    count += 1
  }

  mutating func popFirst() -> JobQueue.Entry? {
    guard count > 0 else { return nil }
    let entry = places[head]
    head = (head + 1) & (places.count - 1)
    count -= 1
    return entry
  }

  private mutating func grow() {
    places = Array(places[head...] + places[..<head]) + [JobQueue.Entry?](repeating: nil, count: places.count)
    head = 0
  }
}
