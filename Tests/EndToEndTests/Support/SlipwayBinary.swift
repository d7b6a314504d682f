import Foundation
import TestSupport

/// The program under test, as it was built beside the tests.
enum SlipwayBinary {
  /// Beside the test bundle, or in the repository's debug build.
  static let path: String? = {
    let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let running = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map {
      URL(fileURLWithPath: $0).deletingLastPathComponent()
    }
    let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(".build/debug")
    let candidates = [running, beside, repository].compactMap { $0?.appendingPathComponent("slipway").path }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  static var exists: Bool { path != nil }
}
