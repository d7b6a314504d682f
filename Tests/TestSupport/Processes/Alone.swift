import Foundation

/// A test in a process of its own: for what is everybody's, the environment or the table of descriptors. Not an exit
/// test: its watcher waits for any child, and would see nothing but one that another test has left unreaped.
package enum Alone {
  private static let variable = "SLIPWAY_TEST_ALONE"

  /// Whether this is such a process: then the test does its work.
  package static var isHere: Bool { ProcessInfo.processInfo.environment[variable] != nil }

  /// Starts the test that `filter` names, as `swift test --filter` takes it, once more.
  package static func start(_ filter: String) throws -> Program {
    let itself = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return try Program(
      Program.Launch(
        [itself, "--disable-xctest", "--filter", filter, "--testing-library", "swift-testing"],
        environment: ProcessInfo.processInfo.environment.merging([variable: "1"]) { $1 }))
  }
}
