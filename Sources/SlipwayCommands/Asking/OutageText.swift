import Engine
import SlipwayModel

/// The outages of the process that is under way, as it answers them and as they are read: four fields each, with a NUL
/// behind every one.
enum OutageText {
  static func bytes(_ outages: [KnownOutage]) -> [UInt8] {
    outages.flatMap { outage in
      [outage.workflow.text, outage.destination.text, "\(outage.since.nanoseconds)", outage.why]
        .flatMap { Array($0.utf8) + [0] }
    }
  }

  /// Those that can be read.
  static func parsed(_ bytes: [UInt8]) -> [KnownOutage] {
    let fields = bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
    return stride(from: 0, to: fields.count - fields.count % 4, by: 4).compactMap { index in
      guard let since = Int64(fields[index + 2]) else { return nil }
      return KnownOutage(
        workflow: WorkflowName(fields[index]), destination: DestinationName(fields[index + 1]),
        since: Timestamp(nanoseconds: since), why: fields[index + 3])
    }
  }
}
