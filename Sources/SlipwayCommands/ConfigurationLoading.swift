import ArgumentParser
import Glibc
import LocalFiles
import PatternMatching
import SlipwayModel
import WorkflowFile

/// Finds and reads the workflow file.
struct ConfigurationLoading {
  private let files: [BytePath]
  private let loader: WorkflowFileLoader

  /// Ends with 78 where there is no file.
  init(_ options: FileOptions) throws {
    loader = WorkflowFileLoader(
      environment: ProcessEnvironment.text, workingDirectory: .workingDirectory,
      trustPermissions: options.trustPermissions, patterns: PCRE2Compiler(),
      defaultStateDirectory: Assembly.defaultStateDirectory)
    if !options.files.isEmpty {
      files = options.files.map { BytePath($0) }
      return
    }
    let environment = ProcessEnvironment.text
    guard let found = WorkflowFileSearch.find(environment: environment, workingDirectory: .workingDirectory) else {
      let places = WorkflowFileSearch.candidates(environment: environment).map(\.description)
      StandardError.shared.write(
        "slipway: there is no workflow file; looked for \(places.joined(separator: ", ")); name one with -f, "
          + "or use 'slipway watch'")
      throw Exit.configuration
    }
    files = [found]
  }

  /// The files as the user named them.
  var names: String { files.map(\.description).joined(separator: ", ") }

  func load(_ scope: WorkflowFileLoader.Scope = .fileAndSurroundings) -> LoadResult {
    loader.load(files, checking: scope)
  }

  /// Tells every problem; ends with 78 if one is an error.
  func loadOrExit(_ scope: WorkflowFileLoader.Scope = .fileAndSurroundings) throws -> Configuration {
    let result = load(scope)
    for problem in result.problems { StandardError.shared.write(problem.rendered) }
    guard let configuration = result.configuration else { throw Exit.configuration }
    return configuration
  }
}
