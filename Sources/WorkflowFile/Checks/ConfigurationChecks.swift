import SlipwayModel

/// What needs more than one key, or the file system.
struct ConfigurationChecks {
  let draft: ConfigurationDraft
  let diagnostics: Diagnostics
  let environment: [String: String]
  let writers: WritersCheck
  let patterns: any PatternCompiler
  /// Where the file names none.
  let defaultStateDirectory: BytePath?

  /// So many watched directories are compared with one another.
  static let mostWatchDirectories = 1_000

  func run() {
    let watched = WatchedDirectories(draft.workflows)
    if let surplus = watched.all.dropFirst(Self.mostWatchDirectories).first {
      diagnostics.error("more than \(Self.mostWatchDirectories) watched directories", at: surplus.mark)
      return
    }
    for directory in watched.all { checkExists(directory) }
    checkOverlaps(watched)
    checkStateDirectory(watched)
    checkPlugins()
    for workflow in draft.workflows {
      checkSourcePrefix(workflow)
      checkDestinations(workflow, watched)
      checkMoves(workflow, watched)
      checkProof(workflow)
      checkLinks(workflow)
      checkHooks(workflow)
      checkFileTrees(workflow)
      checkStarted(workflow, watched)
      checkSidecar(workflow)
      checkQueue(workflow, watched)
      checkMirror(workflow)
    }
    checkMirroredPlaces()
  }
}
