import Glibc
import LocalFiles
import SlipwayModel

/// What goes wrong with watching, and what the operator can do.
enum WatchFailures {
  static func overflow(_ root: BytePath) -> Failure {
    Failure(
      .transient(retryAfter: nil), "follow", root.description, code: "IN_Q_OVERFLOW",
      cause: "the kernel's queue of events was full and some were lost",
      remedy: "everything is listed again; if it happens often, raise `sysctl fs.inotify.max_queued_events`")
  }

  static func tooManyPending(_ root: BytePath) -> Failure {
    Failure(
      .transient(retryAfter: nil), "follow", root.description,
      cause: "more than \(PendingEvents.namesMax) events waited to be taken", remedy: "everything is listed again")
  }

  /// An instance of inotify; EMFILE is either of two limits (inotify_init(2)).
  static func starting(_ error: ErrorNumber) -> Failure {
    guard error.value == EMFILE else { return Failure(errno: error.value, operation: "start", subject: "inotify") }
    return Failure(
      .permanent, "start", "inotify", code: error.name, cause: "the user's limit of inotify instances is reached",
      remedy: """
        raise it with `sysctl fs.inotify.max_user_instances=\(raised("max_user_instances", 128))`, \
        or the limit of open files (`ulimit -n`)
        """)
  }

  static func watching(_ path: BytePath, _ error: ErrorNumber) -> Failure {
    guard error.value == ENOSPC else { return Failure(errno: error.value, operation: "watch", subject: path) }
    return Failure(
      .transient(retryAfter: nil), "watch", path.description, code: error.name,
      cause: "the user's limit of inotify watches is reached",
      remedy: """
        raise it with `sysctl fs.inotify.max_user_watches=\(raised("max_user_watches", 262_144))`; \
        until then directories without a watch are listed every \(WatchLoop.incompleteInterval.components.seconds) s
        """)
  }

  /// Four times what the limit is now.
  private static func raised(_ limit: String, _ usual: Int) -> Int {
    guard let file = fopen("/proc/sys/fs/inotify/" + limit, "r") else { return usual * 4 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 32)
    guard fgets(&line, Int32(line.count), file) != nil else { return usual * 4 }
    let value = strtol(line, nil, 10)
    return (value > 0 && value < Int(Int32.max) / 4 ? value : usual) * 4
  }
}
