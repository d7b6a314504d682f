import Engine
import Glibc
import RunLedger
import SlipwayModel

/// What `status` tells, for people and as JSON.
struct StatusText {
  let state: BytePath
  /// Who holds the state directory.
  let process: pid_t?
  /// nil where no process answers.
  let health: Health?
  let workflows: [WorkflowStatus]
  /// Those of the file that only tell what they would do.
  let dryRuns: Set<WorkflowName>
  let now: Timestamp

  // MARK: For people

  var lines: String {
    let head = process.map { "process \($0) is under way in \(state)" } ?? "no process is under way in \(state)"
    return ([head] + healthLines + workflows.flatMap(lines)).joined(separator: "\n")
  }

  private var outages: [KnownOutage] { health?.outages ?? [] }

  /// Nothing of a process that sees everything.
  private var healthLines: [String] {
    guard let health else { return [] }
    let gone = health.watches.filter(\.isGone).map {
      "  gone       \($0.path): it is looked for until it is there again"
    }
    let polled = health.watches.filter { $0.polled > 0 }.map { watch in
      "  polled     \(watch.path): \(watch.polled) directories; \(escapedControls(watch.why))"
    }
    let losses = health.losses == 0 ? [] : ["  losses     of events: \(health.losses); everything was listed again"]
    return gone + polled + losses
  }

  private func lines(_ status: WorkflowStatus) -> [String] {
    let counts = [
      (status.underWay.count, "under way"), (status.ready.count, "ready"), (status.waiting.count, "waiting"),
      (status.failed.count, "failed"), (status.done.count, "done lately"),
    ]
    let told = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let name = escapedControls(status.workflow.text) + (dryRuns.contains(status.workflow) ? " (dry run)" : "")
    let head = "\(name): \(told.isEmpty ? "nothing" : told.joined(separator: ", "))"
    let out = outages.filter { $0.workflow == status.workflow }.map { outage in
      let place = escapedControls(outage.destination.text)
      return "  out        \(place) since \(CalendarDate(outage.since).extendedFormat): \(escapedControls(outage.why))"
    }
    let groups = [status.underWay, status.ready, status.waiting, status.failed, status.done]
    return [head] + out + groups.flatMap(lines)
  }

  private func lines(_ group: WorkflowStatus.Group) -> [String] {
    let rest = group.count - group.runs.count
    return group.runs.map(line) + (rest > 0 && !group.runs.isEmpty ? ["  and \(rest) more"] : [])
  }

  private func line(_ run: Run) -> String {
    let state = run.state.name.padded(to: 9)
    let age = RunText.age(now - run.updated).padded(to: 4)
    let why =
      switch run.state {
      case .waiting(let waiting):
        "  until \(CalendarDate(waiting.until).extendedFormat): \(escapedControls(waiting.why))"
      case .failed: "  \(escapedControls(run.error))"
      default: ""
      }
    return "  \(state)  \(run.id)  \(age)  \(run.tree.path)\(why)"
  }

  // MARK: JSON

  var json: String {
    let head = JSONText.object([
      "state_dir": JSONText.string(state.bytes),
      "running": JSONText.bool(process != nil),
      "pid": process.map { JSONText.number($0) } ?? JSONText.null,
      "health": health.map { JSONText.string($0.isDegraded ? "degraded" : "ok") } ?? JSONText.null,
      "watches": JSONText.array((health?.watches ?? []).map(Self.json)),
      "event_losses": health.map { JSONText.number($0.losses) } ?? JSONText.null,
      "out": JSONText.array(outages.map(Self.json)),
    ])
    return ([head] + workflows.map(json)).map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
  }

  private static func json(_ watch: Health.Watch) -> [UInt8] {
    JSONText.object([
      "path": JSONText.string(watch.path.bytes), "gone": JSONText.bool(watch.isGone),
      "polled": JSONText.number(watch.polled), "why": JSONText.string(watch.why),
    ])
  }

  private static func json(_ outage: KnownOutage) -> [UInt8] {
    JSONText.object([
      "workflow": JSONText.string(outage.workflow.text), "destination": JSONText.string(outage.destination.text),
      "since": JSONText.string(CalendarDate(outage.since).extendedFormat), "why": JSONText.string(outage.why),
    ])
  }

  private func json(_ status: WorkflowStatus) -> [UInt8] {
    JSONText.object([
      "workflow": JSONText.string(status.workflow.text),
      "dry_run": JSONText.bool(dryRuns.contains(status.workflow)), "under_way": Self.json(status.underWay),
      "ready": Self.json(status.ready), "waiting": Self.json(status.waiting), "failed": Self.json(status.failed),
      "done": Self.json(status.done),
    ])
  }

  private static func json(_ group: WorkflowStatus.Group) -> [UInt8] {
    JSONText.object([
      "count": JSONText.number(group.count),
      "runs": JSONText.array(group.runs.map { Array(RunText.json($0).utf8) }),
    ])
  }
}
