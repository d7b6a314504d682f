import Glibc
import SlipwayModel
import Synchronization
import Testing

@testable import LocalFiles

@Suite("Threads for files")
struct FileThreadsTests {
  @Test("Tasks block on threads of their own, as many at once as there are threads")
  func blocking() async throws {
    let threads = try FileThreads(count: 4)
    // Each waits until all four are there: fewer threads would never come to an end.
    let barrier = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)
    pthread_barrier_init(barrier, nil, 4)
    let address = UInt(bitPattern: barrier)
    let names = await withTaskGroup(of: String.self) { group in
      for _ in 0..<4 {
        group.addTask(executorPreference: threads) {
          if let barrier = UnsafeMutablePointer<pthread_barrier_t>(bitPattern: address) {
            pthread_barrier_wait(barrier)
          }
          return threadName()
        }
      }
      return await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(names == ["slipway-files"])
    pthread_barrier_destroy(barrier)
    barrier.deallocate()
    threads.shutdown()
  }

  @Test("A thousand tasks that suspend and come back all end")
  func manyTasks() async throws {
    let threads = try FileThreads(count: 2)
    let sum = await withTaskGroup(of: Int.self) { group in
      for index in 0..<1000 {
        group.addTask(executorPreference: threads) {
          await Task.yield()
          return index
        }
      }
      return await group.reduce(0, +)
    }
    #expect(sum == 499_500)
    threads.shutdown()
  }

  @Test("A shutdown may come twice, and tasks that come later still run")
  func shutdown() async throws {
    let threads = try FileThreads(count: 1)
    #expect(await Task(executorPreference: threads) { 1 }.value == 1)
    threads.shutdown()
    threads.shutdown()
    #expect(await Task(executorPreference: threads) { 2 }.value == 2)
  }
}

private func threadName() -> String {
  guard let file = fopen("/proc/thread-self/comm", "r") else { return "" }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 64)
  fgets(&line, 64, file)
  return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

@Suite("The system's clock")
struct SystemClockTests {
  @Test("A deadline in the past is over at once, and one ahead is not over before its time")
  func deadlines() async throws {
    let clock = SystemClock()
    try await clock.sleep(until: Timestamp(seconds: 0))
    let deadline = clock.now() + .milliseconds(20)
    try await clock.sleep(until: deadline)
    #expect(clock.now() >= deadline)
  }

  @Test("A cancelled task does not wait")
  func cancelled() async {
    let task = Task { try await SystemClock().sleep(until: SystemClock().now() + .seconds(3600)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }
}
