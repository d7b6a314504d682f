import SlipwayModel

/// The live line of a terminal: what has been sent so far, and how fast.
struct ProgressLine: Sendable {
  private let meter: TransferMeter
  private let started = ContinuousClock.now

  static let interval = Duration.milliseconds(200)

  init(meter: TransferMeter) {
    self.meter = meter
  }

  /// Draws until the task is cancelled, then removes the line.
  func draw() async {
    var last = meter.snapshot
    var rate = 0.0
    while !Task.isCancelled {
      // A cancelled wait ends the loop.
      try? await Task.sleep(for: Self.interval)
      let now = meter.snapshot
      let current = Double(now.bytes - last.bytes) / (Double(Self.interval.nanoseconds) / 1e9)
      rate = rate == 0 ? current : rate * 0.8 + current * 0.2
      last = now
      if now.files + now.bytes > 0 { StandardError.shared.show(Self.text(now, rate: rate)) }
    }
    StandardError.shared.show("")
  }

  /// One line without a newline.
  static func text(_ now: TransferMeter.Snapshot, rate: Double) -> String {
    let failures = now.failures > 0 ? "  \(now.failures) failed" : ""
    return "\(now.files) files  \(size(Double(now.bytes)))  \(size(max(0, rate)))/s\(failures)"
  }

  /// With a binary unit and one decimal.
  static func size(_ bytes: Double) -> String {
    var value = bytes
    var unit = 0
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    let tenths = Int((value * 10).rounded())
    return unit == 0 ? "\(Int(value)) B" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
