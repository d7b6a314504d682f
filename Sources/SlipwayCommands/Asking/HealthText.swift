import Engine
import SlipwayModel

/// The health of the process that is under way, as it answers it and as it is read: records of five fields, with a NUL
/// behind every field. Names may hold any other byte.
enum HealthText {
  private static let fieldCount = 5

  private enum Kind: String {
    case losses, watch, out
  }

  static func bytes(_ health: Health) -> [UInt8] {
    let losses = record(.losses, [], [], "\(health.losses)", "")
    let watches = health.watches.map { watch in
      record(.watch, watch.path.bytes, watch.isGone ? [1] : [], "\(watch.polled)", watch.why)
    }
    let outages = health.outages.map { outage in
      record(
        .out, Array(outage.workflow.text.utf8), Array(outage.destination.text.utf8), "\(outage.since.nanoseconds)",
        outage.why)
    }
    return ([losses] + watches + outages).flatMap { $0 }
  }

  /// As far as it can be read.
  static func parsed(_ bytes: [UInt8]) -> Health {
    let fields = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map { Array($0) }
    var (losses, watches, outages) = (0, [Health.Watch](), [KnownOutage]())
    for start in stride(from: 0, to: fields.count - fields.count % fieldCount, by: fieldCount) {
      let record = Array(fields[start..<(start + fieldCount)])
      guard let kind = Kind(rawValue: text(record[0])), let number = Int64(text(record[3])) else { continue }
      switch kind {
      case .losses: losses = Int(number)
      case .watch:
        watches.append(
          Health.Watch(
            path: BytePath(record[1]), isGone: !record[2].isEmpty, polled: Int(number), why: text(record[4])))
      case .out:
        outages.append(
          KnownOutage(
            workflow: WorkflowName(text(record[1])), destination: DestinationName(text(record[2])),
            since: Timestamp(nanoseconds: number), why: text(record[4])))
      }
    }
    return Health(watches: watches, losses: losses, outages: outages)
  }

  private static func record(
    _ kind: Kind, _ name: [UInt8], _ second: [UInt8], _ number: String, _ why: String
  ) -> [UInt8] {
    [Array(kind.rawValue.utf8), name, second, Array(number.utf8), Array(why.utf8)].flatMap { $0 + [0] }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
