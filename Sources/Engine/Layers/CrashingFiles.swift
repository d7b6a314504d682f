#if DEBUG
  import SlipwayModel

  /// Files with a point before and after each change; what only reads goes through.
  struct CrashingFiles: TreeFiles {
    private let files: any TreeFiles
    private let points: CrashPoints

    init(_ files: any TreeFiles, _ points: CrashPoints) {
      self.files = files
      self.points = points
    }

    func remove(_ path: BytePath, in tree: BytePath, ifStill fingerprint: Fingerprint) throws(Failure) -> Bool {
      try points.around("files.remove") { () throws(Failure) in
        try files.remove(path, in: tree, ifStill: fingerprint)
      }
    }

    func removeMarker(at path: BytePath, ifStill marker: MarkerIdentity) throws(Failure) -> Bool {
      try points.around("files.removeMarker") { () throws(Failure) in try files.removeMarker(at: path, ifStill: marker)
      }
    }

    func removeEmptyDirectories(in tree: BytePath, keepingRoot: Bool) throws(Failure) {
      try points.around("files.removeEmptyDirectories") { () throws(Failure) in
        try files.removeEmptyDirectories(in: tree, keepingRoot: keepingRoot)
      }
    }

    func move(_ tree: BytePath, into directory: BytePath) throws(Failure) -> BytePath {
      try points.around("files.move") { () throws(Failure) in try files.move(tree, into: directory) }
    }

    func claim(
      _ names: [BytePath], from directory: BytePath, into working: BytePath, believing isBelieved: Bool
    ) throws(Failure) -> [ClaimAnswer] {
      try points.around("files.claim") { () throws(Failure) in
        try files.claim(names, from: directory, into: working, believing: isBelieved)
      }
    }

    func takeUp(_ names: [BytePath], in working: BytePath) throws(Failure) -> [ClaimAnswer] {
      try points.around("files.takeUp") { () throws(Failure) in try files.takeUp(names, in: working) }
    }

    func putBack(_ name: BytePath, from working: BytePath, to directory: BytePath) throws(Failure) -> Bool {
      try points.around("files.putBack") { () throws(Failure) in
        try files.putBack(name, from: working, to: directory)
      }
    }

    func dispose(
      _ names: [BytePath], from working: BytePath, to directory: BytePath
    ) throws(Failure) -> [Result<BytePath?, Failure>] {
      try points.around("files.dispose") { () throws(Failure) in
        try files.dispose(names, from: working, to: directory)
      }
    }

    func list(_ directory: BytePath) throws(Failure) -> any DirectoryEntries { try files.list(directory) }
    var claimsMax: Int { files.claimsMax }

    func write(_ bytes: [UInt8], to path: BytePath) throws(Failure) {
      try points.around("files.write") { () throws(Failure) in try files.write(bytes, to: path) }
    }

    func with(_ symlinks: SymlinkPolicy) -> any TreeFiles { CrashingFiles(files.with(symlinks), points) }

    func walk(_ tree: BytePath) throws(Failure) -> any TreeWalk { try files.walk(tree) }

    func find(_ names: Set<BytePath>, in directory: BytePath) throws(Failure) -> any NameSearch {
      try files.find(names, in: directory)
    }

    func state(of path: BytePath, in tree: BytePath) throws(Failure) -> FileState? {
      try files.state(of: path, in: tree)
    }

    func content(of path: BytePath, in tree: BytePath, limit: Int) throws(Failure) -> [UInt8]? {
      try files.content(of: path, in: tree, limit: limit)
    }

    func open(_ path: BytePath, in tree: BytePath) throws(Failure) -> any OpenFile { try files.open(path, in: tree) }

    func fingerprint(_ path: BytePath, in tree: BytePath) throws(Failure) -> Fingerprint? {
      try files.fingerprint(path, in: tree)
    }

    func marker(at path: BytePath) throws(Failure) -> MarkerState? { try files.marker(at: path) }

    func identity(of directory: BytePath) throws(Failure) -> DirectoryIdentity? { try files.identity(of: directory) }

    func mountPoint(above directory: BytePath, in tree: BytePath) throws(Failure) -> BytePath? {
      try files.mountPoint(above: directory, in: tree)
    }
  }

  /// A run's own files with a point before and after each change.
  struct CrashingRunFiles: RunFiles {
    private let files: any RunFiles
    private let points: CrashPoints

    init(_ files: any RunFiles, _ points: CrashPoints) {
      self.files = files
      self.points = points
    }

    func open(_ run: RunID, workflow: WorkflowName) throws(Failure) -> RunPaths {
      try points.around("runFiles.open") { () throws(Failure) in try files.open(run, workflow: workflow) }
    }

    func beginManifest(of run: RunID) throws(Failure) -> any ManifestFile {
      CrashingManifest(
        try points.around("manifest.begin") { () throws(Failure) in try files.beginManifest(of: run) }, points)
    }

    func remove(_ run: RunID) throws(Failure) {
      try points.around("runFiles.remove") { () throws(Failure) in try files.remove(run) }
    }

    func openManifest(of run: RunID) throws(Failure) -> any OpenFile { try files.openManifest(of: run) }
    func output(of run: RunID, limit: Int) throws(Failure) -> [UInt8] { try files.output(of: run, limit: limit) }
  }

  private final class CrashingManifest: ManifestFile {
    private let file: any ManifestFile
    private let points: CrashPoints

    init(_ file: any ManifestFile, _ points: CrashPoints) {
      self.file = file
      self.points = points
    }

    func append(_ bytes: [UInt8]) throws(Failure) { try file.append(bytes) }

    func commit() throws(Failure) {
      try points.around("manifest.commit") { () throws(Failure) in try file.commit() }
    }
  }
#endif
