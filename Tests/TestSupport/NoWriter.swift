import CLibc
import Glibc
import SlipwayModel

/// Returns once nobody has a file that has just been written open for writing. A program that another test is just
/// starting has our descriptors until it is executed: it counts as a writer to whoever asks (F_SETLEASE), and keeps a
/// script from being started (ETXTBSY). A file that the test itself holds open is waited for in vain, ten seconds.
package func awaitNoWriter(_ path: BytePath) {
  // Who opens the file for writing while the lease stands makes the kernel send it, and its default ends the process.
  signal(SIGIO, SIG_IGN)
  let reader = path.withCString { open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
  // It may have been moved away already.
  if reader < 0 { return }
  defer { close(reader) }
  let deadline = ContinuousClock.now + .seconds(10)
  while slipway_set_lease(reader, F_RDLCK) != 0 {
    // Anything else: there are no leases here.
    if errno != EAGAIN || ContinuousClock.now > deadline { return }
    sched_yield()
  }
  _ = slipway_set_lease(reader, F_UNLCK)
}
