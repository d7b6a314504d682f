/// What a run keeps in the state directory for its hooks. Every call may block in the kernel.
public protocol RunFiles: Sendable {
  /// Makes the run's directory and the hooks' own one of its workflow, and empties the output file. Idempotent.
  func open(_ run: RunID, workflow: WorkflowName) throws(Failure) -> RunPaths

  /// Begins a new manifest beside the old one, which stays until `commit`.
  func beginManifest(of run: RunID) throws(Failure) -> any ManifestFile

  /// Opens the manifest as it was last committed.
  func openManifest(of run: RunID) throws(Failure) -> any OpenFile

  /// What pre hooks appended to the output file. A file longer than `limit` bytes is a permanent failure.
  func output(of run: RunID, limit: Int) throws(Failure) -> [UInt8]

  /// Removes the run's directory with everything in it. Idempotent.
  func remove(_ run: RunID) throws(Failure)
}

/// Where a run's files lie; all absolute.
public struct RunPaths: Sendable, Hashable {
  public let manifest: BytePath
  public let output: BytePath
  /// SLIPWAY_STATE: stays from run to run.
  public let hookState: BytePath

  public init(manifest: BytePath, output: BytePath, hookState: BytePath) {
    self.manifest = manifest
    self.output = output
    self.hookState = hookState
  }
}

/// A manifest that is being written. Not for two threads at once.
public protocol ManifestFile: AnyObject {
  func append(_ bytes: [UInt8]) throws(Failure)
  /// Puts it in place of the old one; without it nothing of this one is left. Called once.
  func commit() throws(Failure)
}
