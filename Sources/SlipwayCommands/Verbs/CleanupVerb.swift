import ArgumentParser
import HTTPTransport
import RunLedger
import S3Client
import SlipwayModel
import WorkflowFile

struct CleanupVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cleanup",
    abstract: "End multipart uploads that nobody goes on with.",
    discussion: """
      Looks below the prefix of S3 destinations for multipart uploads that were
      begun long ago and never completed: their parts cost money and show in no
      listing. Those that a run of the ledger will go on with are left alone.
      Objects are never touched.

      EXAMPLES
        slipway cleanup --dry-run
        slipway cleanup artifacts --older-than 1d
        slipway cleanup --prefix nightly/2026/ --older-than 12h
      """)

  @Argument(help: ArgumentHelp("S3 destinations; all of the file by default.", valueName: "destination"))
  var names: [String] = []

  @Option(help: ArgumentHelp("Only uploads that were begun at least so long ago.", valueName: "duration"))
  var olderThan = "7d"

  @Option(
    help: ArgumentHelp("Only keys that begin with this, behind the destination's own prefix.", valueName: "prefix"))
  var prefix = ""

  @Flag(help: "Tell what would be ended.")
  var dryRun = false

  @Flag(help: "One JSON object an upload.")
  var json = false

  @OptionGroup var file: FileOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if DurationText.parsed(olderThan) == nil {
      throw ValidationError("--older-than takes a duration with a unit, as in 7d or 12h.")
    }
  }

  func run() async throws {
    let assembly = try Assembly.reading(file, output: output, log: .text)
    let destinations = try s3Destinations(assembly.configuration)
    var hasFailed = false
    do throws(Failure) {
      let kept = try await uploadsInUse(assembly)
      let transport = try Assembly.transport()
      defer { transport.shutdown() }
      for (destination, settings) in destinations {
        let client = try assembly.client(of: settings, over: transport)
        let cleaning = Cleaning(
          client: client, destination: destination, prefix: joinedKey(destination.prefix, Array(prefix.utf8)),
          before: assembly.clock.now() + (.zero - (DurationText.parsed(olderThan) ?? .zero)),
          inUse: kept[destination.name] ?? [], isDryRun: dryRun)
        let summary = try await cleaning.run { tell($0) }
        hasFailed = hasFailed || summary.failed > 0
        if !json, !output.quiet { print(summary.text(isDryRun: dryRun)) }
      }
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
    if hasFailed { throw Exit.failure }
  }

  private func s3Destinations(_ configuration: Configuration) throws -> [(Destination, S3Destination)] {
    let known = configuration.destinations.values.sorted { $0.name < $1.name }
    for name in names where !known.contains(where: { $0.name.text == name && $0.isS3 }) {
      throw ValidationError("there is no S3 destination '\(escaped(name.utf8))'.")
    }
    return known.compactMap { destination in
      guard case .s3(let settings) = destination.kind, names.isEmpty || names.contains(destination.name.text) else {
        return nil
      }
      return (destination, settings)
    }
  }

  private func uploadsInUse(_ assembly: Assembly) async throws(Failure) -> [DestinationName: Set<MultipartUpload.ID>] {
    do throws(Failure) {
      let uploads = try await SQLiteLedger(readingAt: assembly.stateDirectory).uploadsInUse()
      return uploads.reduce(into: [:]) { known, upload in
        if let id = upload.id { known[upload.destination, default: []].insert(id) }
      }
    } catch {
      if error.code == SQLiteLedger.noLedger { return [:] }
      throw error
    }
  }

  private func tell(_ line: Cleaning.Line) {
    if json {
      print(line.json)
    } else if let problem = line.problem {
      StandardError.shared.write("slipway: \(problem.message)")
    } else if !output.quiet {
      print(line.text)
    }
  }
}
