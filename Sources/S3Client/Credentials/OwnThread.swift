import Glibc

/// Runs what blocks in a thread of its own. These are few and far between: one when keys are fetched.
func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    let box = Unmanaged.passRetained(Work { continuation.resume(returning: work()) })
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { pointer in
        if let pointer { Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    // Without a thread the caller's has to do.
    if status == 0 { pthread_detach(thread) } else { box.takeRetainedValue().run() }
  }
}

private final class Work: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
