import ArgumentParser
import SlipwayModel

struct ShowVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "One run: its state, its hooks with their output, its files.",
    discussion: """
      EXAMPLES
        slipway show 01kaj2m3n4p5q6r7s8t9v0w1x2
        slipway show 01kaj2m3n4p5q6r7s8t9v0w1x2 --files
        slipway show 01kaj2m3n4p5q6r7s8t9v0w1x2 --json
      """)

  @Argument(help: ArgumentHelp("The run's ID, as 'slipway runs' tells it.", valueName: "run"))
  var run: String

  @Flag(help: "Every file, not only those that failed.")
  var files = false

  @Flag(help: "JSON: the run, then an object a hook and a file.")
  var json = false

  @OptionGroup var place: LedgerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    do throws(Failure) {
      let ledger = try await place.open()
      guard let run = try await ledger.run(RunID(self.run)) else {
        throw Failure(
          .transient(retryAfter: nil), "show", "run \(escaped(self.run.utf8))", code: "NotFound",
          cause: "the ledger has no such run", remedy: "'slipway runs' lists them")
      }
      print(json ? RunText.json(run) : RunText.details(run))
      for hook in try await ledger.hooks(of: run.id) { print(json ? RunText.json(hook) : RunText.details(hook)) }
      try await printFiles(of: run, ledger)
    } catch {
      StandardError.shared.write("slipway: \(error.message)")
      throw Exit.code(for: error)
    }
  }

  private func printFiles(of run: Run, _ ledger: any Ledger) async throws(Failure) {
    let counts = try await ledger.uploadCounts(of: run.id)
    if !json { for (name, count) in counts.sorted(by: { $0.key < $1.key }) { print(RunText.details(name, count)) } }
    var last: BytePath?
    while true {
      let rows = try await ledger.uploads(of: run.id, after: last, limit: 1000)
      guard let end = rows.last else { return }
      for row in rows {
        if json {
          print(RunText.json(row, of: run.tree))
        } else if let line = RunText.line(row, of: run.tree, withProven: files) {
          print(line)
        }
      }
      last = end.path
    }
  }
}
