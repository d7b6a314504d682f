import ArgumentParser
import HTTPTransport
import S3Client
import SlipwayModel

struct CheckVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Talk to the destinations: who am I, what can the server do, which settings fit.",
    discussion: """
      Tells whose credentials are used, where they come from and why the places
      before did not give any, looks at the bucket, stores a small object below the
      destination's prefix and removes it, tries checksums, conditional writes,
      multipart uploads and tags, compares the clocks, and looks at this machine's
      limits for watching. Credentials that may only upload are enough: what they
      lack is told. Ends with 0, or 1 if something that uploads need does not work.

      EXAMPLES
        slipway check
        slipway check artifacts
        slipway check --json
      """)

  @Argument(help: ArgumentHelp("Destinations; all of the file by default.", valueName: "destination"))
  var names: [String] = []

  @Flag(help: "One JSON object a finding.")
  var json = false

  @OptionGroup var file: FileOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let assembly = try Assembly.reading(file, output: output, log: .text)
    let chosen = try destinations(assembly.configuration)
    var hasFailed = false
    func tell(_ about: String, _ finding: CheckFinding) {
      hasFailed = hasFailed || finding.grade == .failed
      write(about, finding)
    }
    do throws(Failure) {
      let transport = try Assembly.transport()
      defer { transport.shutdown() }
      for destination in chosen {
        switch destination.kind {
        case .directory(let path): tell(destination.name.text, DirectoryCheck(path: path).finding)
        case .plugin(let settings):
          let store = assembly.plugin(settings, destination.name)
          for finding in await PluginCheck(store: store).findings() { tell(destination.name.text, finding) }
        case .s3(let settings):
          let check = assembly.serverCheck(of: destination, settings, over: transport)
          await check.run { tell(destination.name.text, $0) }
        }
      }
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    for finding in WatchLimits().findings { tell("this machine", finding) }
    if hasFailed { throw Exit.failure }
  }

  private func destinations(_ configuration: Configuration) throws -> [Destination] {
    let known = configuration.destinations.values.sorted { $0.name < $1.name }
    for name in names where !known.contains(where: { $0.name.text == name }) {
      throw ValidationError(
        "there is no destination '\(escaped(name.utf8))'; there are \(known.map(\.name.text).joined(separator: ", ")).")
    }
    return names.isEmpty ? known : known.filter { names.contains($0.name.text) }
  }

  private func write(_ about: String, _ finding: CheckFinding) {
    if json {
      print(
        String(
          decoding: JSONText.object([
            "about": JSONText.string(about), "grade": JSONText.string(finding.grade.rawValue),
            "subject": JSONText.string(finding.subject), "text": JSONText.string(finding.text),
            "remedy": JSONText.string(finding.remedy),
          ]), as: UTF8.self))
    } else if finding.grade != .ok || !output.quiet {
      let remedy = finding.remedy.isEmpty ? "" : "; \(finding.remedy)"
      print("\(finding.grade.rawValue.padded(to: 6))  \(about): \(finding.subject): \(finding.text)\(remedy)")
    }
  }
}
