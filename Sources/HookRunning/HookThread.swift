import Glibc

/// The stack of a hook's thread: small enough that no huge page is put under it.
private let threadStackBytes = 512 * 1024

/// Runs blocking work on a thread of its own and waits for its value without holding a thread of the task pool.
///
/// Throws where the system has no thread left; then the work has not begun.
func onOwnThread<Value: Sendable>(
  _ work: @escaping @Sendable () -> Value
) async throws(StartFailure) -> Value {
  let result = await withCheckedContinuation {
    (continuation: CheckedContinuation<Result<Value, StartFailure>, Never>) in
    let code = startThread { continuation.resume(returning: .success(work())) }
    if code != 0 { continuation.resume(returning: .failure(StartFailure("no thread for it: \(errorText(code))"))) }
  }
  return try result.get()
}

/// The error number of pthread_create(3), 0 if the thread runs.
private func startThread(_ work: @escaping @Sendable () -> Void) -> CInt {
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setstacksize(&attributes, threadStackBytes)
  pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
  let box = Unmanaged.passRetained(ThreadWork(work))
  var thread = pthread_t()
  let code = pthread_create(&thread, &attributes, threadMain, box.toOpaque())
  if code != 0 { box.release() }
  return code
}

private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<ThreadWork>.fromOpaque(argument).takeRetainedValue().work()
  return nil
}

private final class ThreadWork: Sendable {
  let work: @Sendable () -> Void

  init(_ work: @escaping @Sendable () -> Void) {
    self.work = work
  }
}
