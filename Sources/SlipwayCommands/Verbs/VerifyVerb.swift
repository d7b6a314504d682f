import ArgumentParser
import Engine
import SlipwayModel

struct VerifyVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compares what lies in a workflow's directories with what lies at its destinations.",
    discussion: """
      By listings, sizes, checksums and ETags, whatever the ledger says; changes
      nothing, and works beside a running service. Up to settings.transfers files
      are compared at once. Prints what would make both equal. What lies at a
      destination and in no tree is told only of a mirror with delete: true. Ends
      with 0 if both are equal, with 1 if not.

      EXAMPLES
        slipway verify site
        slipway verify site --json
      """)

  @Argument(help: "The workflow's name.")
  var workflow: String

  @Flag(help: "One JSON object a difference, and one with the sums.")
  var json = false

  @OptionGroup var file: FileOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let assembly = try Assembly.reading(file, output: output, log: .text)
    _ = try assembly.workflowNames([workflow])
    guard let wanted = assembly.configuration.workflows.first(where: { $0.name.text == workflow }) else { return }
    let meter = TransferMeter()
    let progress = Task { if StandardError.shared.isTerminal { await ProgressLine(meter: meter).draw() } }
    var count = MirrorCount()
    do throws(Failure) {
      count = try await verify(wanted, assembly, meter)
      await Self.end(progress)
    } catch {
      await Self.end(progress)
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    print(json ? VerifyText.json(count) : VerifyText.text(count))
    if count.different > 0 || count.problems > 0 { throw Exit.failure }
  }

  private func verify(
    _ workflow: Workflow, _ assembly: Assembly, _ meter: TransferMeter
  ) async throws(Failure) -> MirrorCount {
    let looking = try await assembly.openForLooking()
    defer { looking.close() }
    return try await Verification(workflow, of: assembly.configuration, ports: looking.ports, meter: meter).run(tell)
  }

  /// Returns once its line has gone.
  private static func end(_ progress: Task<Void, Never>) async {
    progress.cancel()
    await progress.value
  }

  private func tell(_ finding: MirrorFinding) {
    if case .problem(let failure) = finding, !json { return StandardError.shared.write("slipway: \(failure.message)") }
    guard let line = json ? VerifyText.json(finding) : VerifyText.text(finding) else { return }
    StandardError.shared.leaveRoom { print(line) }
  }
}

/// What `verify` prints.
enum VerifyText {
  /// nil for what is no difference.
  static func text(_ finding: MirrorFinding) -> String? {
    switch finding {
    case .upload(let path, let key, let destination): "would upload \(path) -> \(destination): \(key)"
    case .replace(let path, let key, let destination): "differs \(path) -> \(destination): \(key)"
    case .delete(let path, let key, let destination): "would delete \(path) at \(destination): \(key)"
    case .problem(let failure): "error: \(failure.message)"
    case .copy, .skip: nil
    }
  }

  static func text(_ count: MirrorCount) -> String {
    let problems = count.problems > 0 ? ", \(count.problems) could not be looked at" : ""
    return "\(count.compared) compared, \(count.different) different\(problems)"
  }

  static func json(_ finding: MirrorFinding) -> String? {
    switch finding {
    case .upload(let path, let key, let destination): json("upload", path, key, destination)
    case .replace(let path, let key, let destination): json("differs", path, key, destination)
    case .delete(let path, let key, let destination): json("delete", path, key, destination)
    case .problem(let failure): text(["problem": JSONText.string(failure.message)])
    case .copy, .skip: nil
    }
  }

  static func json(_ count: MirrorCount) -> String {
    text([
      "compared": JSONText.number(count.compared), "different": JSONText.number(count.different),
      "problems": JSONText.number(count.problems),
    ])
  }

  private static func json(
    _ difference: String, _ path: BytePath, _ key: ObjectKey, _ destination: DestinationName
  ) -> String {
    text([
      "difference": JSONText.string(difference), "path": JSONText.string(path.bytes),
      "destination": JSONText.string(destination.text), "key": JSONText.string(key.bytes),
    ])
  }

  private static func text(_ members: KeyValuePairs<String, [UInt8]>) -> String {
    String(decoding: JSONText.object(members), as: UTF8.self)
  }
}
