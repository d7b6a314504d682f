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

  static func starting(_ error: ErrorNumber) -> Failure {
    Failure(errno: error.value, operation: "start", subject: "inotify")
  }

  static func watching(_ path: BytePath, _ error: ErrorNumber, _ poll: Duration) -> Failure {
    switch error.value {
    case ENOSPC:
      limit(path, error, "watches", "max_user_watches", 65_536, "until then directories without a watch", poll)
    case EMFILE:
      limit(
        path, error, "instances", "max_user_instances", 128,
        "or the limit of open files (`ulimit -n`); until then all directories", poll)
    default: Failure(errno: error.value, operation: "watch", subject: path)
    }
  }

  private static func limit(
    _ path: BytePath, _ error: ErrorNumber, _ what: String, _ name: String, _ usual: Int, _ consequence: String,
    _ poll: Duration
  ) -> Failure {
    let now = InotifyLimit.value(name)
    return Failure(
      .transient(retryAfter: nil), "watch", path.description, code: error.name,
      cause: "the user's limit of inotify \(what) is reached, which is \(now.map { String($0) } ?? "unknown")",
      remedy: """
        raise it with `sysctl fs.inotify.\(name)=\(InotifyLimit.raised(now ?? usual))`; \
        \(consequence) are listed every \(poll.components.seconds) s
        """)
  }

  // MARK: Directories without events

  static func unseen(_ kind: String, _ poll: Duration) -> @Sendable (BytePath) -> Failure {
    eventless("it lies on \(kind), where others change what the kernel tells nothing of", poll)
  }

  static func silent(_ kind: String, _ poll: Duration) -> @Sendable (BytePath) -> Failure {
    eventless("it lies on \(kind), and what was made there for a try was followed by no event", poll)
  }

  static func untried(_ kind: String, _ error: ErrorNumber, _ poll: Duration) -> @Sendable (BytePath) -> Failure {
    eventless("it lies on \(kind), and whether events come there cannot be tried (\(error.name))", poll)
  }

  private static func eventless(_ cause: String, _ poll: Duration) -> @Sendable (BytePath) -> Failure {
    { path in
      Failure(
        .transient(retryAfter: nil), "follow", path.description, cause: cause,
        remedy: "everything below it is listed every \(poll.components.seconds) s (settings.poll)")
    }
  }
}

/// The limits of one user, as sysctl(8) shows them below `fs.inotify`.
private enum InotifyLimit {
  static func value(_ name: String) -> Int? {
    guard let file = fopen("/proc/sys/fs/inotify/" + name, "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 32)
    guard fgets(&line, Int32(line.count), file) != nil else { return nil }
    return strtol(line, nil, 10)
  }

  /// Four times as much, as far as the kernel takes it.
  static func raised(_ value: Int) -> Int { min(max(value, 1), Int(Int32.max) / 4) * 4 }
}
