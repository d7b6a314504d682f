#if DEBUG
  import Engine
  import Glibc
  import HTTPTransport
  import Synchronization

  /// Ends this process at a crash point, as a loss of power or `kill -9` would: in debug builds, for tests.
  ///
  /// `SLIPWAY_CRASH_AT=ledger.commit.after:3` ends it when that point is passed for the third time, `:17` at the
  /// seventeenth point of all. `SLIPWAY_CRASH_LOG=FILE` writes down the points that are passed, a line each.
  final class CrashingProcess: Sendable {
    private struct State {
      var all = 0
      var passed: [String: Int] = [:]
    }

    private let name: String?
    private let count: Int
    private let log: Int32
    private let state = Mutex(State())

    /// nil if the environment asks for nothing.
    static let current: CrashingProcess? = {
      let (place, log) = (ProcessEnvironment.text["SLIPWAY_CRASH_AT"], ProcessEnvironment.text["SLIPWAY_CRASH_LOG"])
      return place == nil && log == nil ? nil : CrashingProcess(at: place ?? "", log: log)
    }()

    private init(at place: String, log: String?) {
      let parts = place.split(separator: ":", omittingEmptySubsequences: false)
      name = parts.first.flatMap { $0.isEmpty ? nil : String($0) }
      count = parts.last.flatMap { Int($0) } ?? 0
      self.log = log.map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) } ?? -1
    }

    var points: CrashPoints { CrashPoints { self.pass($0) } }

    func pass(_ point: String) {
      state.withLock { state in
        state.all += 1
        state.passed[point, default: 0] += 1
        let line = Array("\(point):\(state.passed[point, default: 0])\n".utf8)
        if log >= 0 { _ = write(log, line, line.count) }
        // With the lock held: no other thread gets to its next effect meanwhile.
        if count > 0, name == nil ? state.all == count : point == name && state.passed[point] == count {
          kill(getpid(), SIGKILL)
        }
      }
    }
  }

  /// A transport with a point before each request and after each answer.
  struct CrashingSender: HTTPSender {
    let sender: any HTTPSender
    let process: CrashingProcess

    nonisolated(nonsending) func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
      process.pass("http.before")
      let response = try await sender.send(request)
      process.pass("http.after")
      return response
    }
  }
#endif
