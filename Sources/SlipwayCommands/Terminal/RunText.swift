import Engine
import SlipwayModel

/// Runs, hooks and files of the ledger, for people and as JSON.
enum RunText {
  // MARK: For people

  static func table(_ runs: [Run], now: Timestamp) -> String {
    if runs.isEmpty { return "no runs" }
    let rows = runs.map { run in
      [run.id.text, run.state.name, run.tree.workflow.text, age(now - run.created), run.tree.path.description]
    }
    let header = ["RUN", "STATE", "WORKFLOW", "AGE", "TREE"]
    let widths = (0..<4).map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    return ([header] + rows).map { row in
      (0..<4).map { row[$0].padded(to: widths[$0]) }.joined(separator: "  ") + "  " + row[4]
    }.joined(separator: "\n")
  }

  static func details(_ run: Run) -> String {
    var lines = [
      "run       \(run.id)", "tree      \(run.tree.path)", "workflow  \(run.tree.workflow)",
      "state     \(run.state.name)\(run.outcome.map { " (\($0.rawValue))" } ?? "")",
      "attempt   \(run.attempt)", "created   \(CalendarDate(run.created).extendedFormat)",
      "updated   \(CalendarDate(run.updated).extendedFormat)",
    ]
    if case .waiting(let waiting) = run.state {
      lines.append("until     \(CalendarDate(waiting.until).extendedFormat): \(waiting.why)")
    }
    if !run.error.isEmpty { lines.append("error     \(run.error)") }
    return lines.joined(separator: "\n")
  }

  static func details(_ hook: HookRecord) -> String {
    let ending = hook.result?.ending.words ?? "under way, or its process died"
    let head = "\(hook.phase.rawValue) hook \(hook.hook): \(ending) (start \(hook.attempt))"
    let output = hook.result?.output ?? []
    let lines = output.split(separator: 0x0A).map { "  | \(escaped($0))" }
    return ([head] + lines).joined(separator: "\n")
  }

  static func details(_ destination: DestinationName, _ counts: UploadCounts) -> String {
    let found = counts.found > 0 ? ", \(counts.found) found equal" : ""
    let failed = counts.failed > 0 ? ", \(counts.failed) failed" : ""
    return "\(destination): \(counts.proven) files, \(ProgressLine.size(Double(counts.bytes)))\(found)\(failed)"
  }

  /// nil for a file that is not worth a line.
  static func line(_ row: UploadRecord, of tree: TreeID, withProven: Bool) -> String? {
    let path = tree.label(of: row.path)
    return switch row.status {
    case .proven(let receipt):
      withProven
        ? "  \(path) -> \(row.destination): \(row.key) (\(receipt.size) bytes\(receipt.isSent ? "" : ", found equal"))"
        : nil
    case .failed(let message, _): "  \(path) -> \(row.destination): failed: \(message)"
    }
  }

  static func age(_ duration: Duration) -> String {
    let seconds = max(0, duration.components.seconds)
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m"
    case ..<86_400: return "\(seconds / 3600)h"
    default: return "\(seconds / 86_400)d"
    }
  }

  // MARK: JSON

  static func json(_ run: Run) -> String {
    var waiting = JSONText.null
    if case .waiting(let wait) = run.state {
      waiting = JSONText.object([
        "until": JSONText.string(CalendarDate(wait.until).extendedFormat), "why": JSONText.string(wait.why),
        "deferred": JSONText.bool(wait.isDeferral),
      ])
    }
    return String(
      decoding: JSONText.object([
        "run": JSONText.string(run.id.text), "workflow": JSONText.string(run.tree.workflow.text),
        "tree": JSONText.string(run.tree.path.bytes), "state": JSONText.string(run.state.name),
        "outcome": run.outcome.map { JSONText.string($0.rawValue) } ?? JSONText.null, "waiting": waiting,
        "attempt": JSONText.number(run.attempt), "error": JSONText.string(run.error),
        "created": JSONText.string(CalendarDate(run.created).extendedFormat),
        "updated": JSONText.string(CalendarDate(run.updated).extendedFormat),
      ]), as: UTF8.self)
  }

  static func json(_ hook: HookRecord) -> String {
    var exitCode = JSONText.null
    if case .exited(let code) = hook.result?.ending { exitCode = JSONText.number(code) }
    return String(
      decoding: JSONText.object([
        "phase": JSONText.string(hook.phase.rawValue), "hook": JSONText.string(hook.hook),
        "attempt": JSONText.number(hook.attempt),
        "started": JSONText.string(CalendarDate(hook.started).extendedFormat),
        "ended": hook.result.map { JSONText.string($0.ending.words) } ?? JSONText.null, "exit_code": exitCode,
        "milliseconds": hook.result.map { JSONText.number($0.duration.nanoseconds / 1_000_000) } ?? JSONText.null,
        "output": JSONText.string(hook.result?.output ?? []),
      ]), as: UTF8.self)
  }

  static func json(_ row: UploadRecord, of tree: TreeID) -> String {
    var status = "proven"
    var error = ""
    var etag = ""
    var size = row.fingerprint.size
    var isSent = false
    switch row.status {
    case .proven(let receipt): (etag, size, isSent) = (receipt.etag, receipt.size, receipt.isSent)
    case .failed(let message, _): (status, error) = ("failed", message)
    }
    return String(
      decoding: JSONText.object([
        "destination": JSONText.string(row.destination.text), "path": JSONText.string(tree.label(of: row.path).bytes),
        "key": JSONText.string(row.key.bytes), "status": JSONText.string(status), "size": JSONText.number(size),
        "etag": JSONText.string(etag), "sent": JSONText.bool(isSent), "error": JSONText.string(error),
      ]), as: UTF8.self)
  }
}

extension String {
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
