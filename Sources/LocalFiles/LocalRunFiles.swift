import CLibc
import Glibc
import SlipwayModel

/// The files of runs below a state directory: `runs/<run>/` for one run, `hooks/<workflow>/` for all of a workflow's.
///
/// Where the state directory itself cannot be written the failure is fatal, as it is the ledger's beside them.
package struct LocalRunFiles: RunFiles {
  private let state: BytePath

  /// `state` is made with its parents when a run first needs it.
  package init(state: BytePath) {
    self.state = state
  }

  package func open(_ run: RunID, workflow: WorkflowName) throws(Failure) -> RunPaths {
    let directory = directory(of: run)
    let hookState = state.appending("hooks").appending(workflow.text)
    let paths = RunPaths(
      manifest: directory.appending("manifest.json"), output: directory.appending("output"), hookState: hookState)
    try attempt("make", directory) { () throws(ErrorNumber) in try makeDirectories(directory) }
    try attempt("make", hookState) { () throws(ErrorNumber) in try makeDirectories(hookState) }
    try attempt("write", paths.output) { () throws(ErrorNumber) in
      close(try makePrivate(paths.output))
    }
    return paths
  }

  package func beginManifest(of run: RunID) throws(Failure) -> any ManifestFile {
    let path = directory(of: run).appending("manifest.json")
    return try LocalManifestFile(path)
  }

  package func openManifest(of run: RunID) throws(Failure) -> any OpenFile {
    try LocalManifest(directory(of: run).appending("manifest.json"))
  }

  package func output(of run: RunID, limit: Int) throws(Failure) -> [UInt8] {
    let path = directory(of: run).appending("output")
    let bytes = try attempt("read", path) { () throws(ErrorNumber) in
      let descriptor = try openPrivate(path, O_RDONLY | O_NONBLOCK)
      defer { close(descriptor) }
      return try readAll(from: descriptor, limit: limit + 1)
    }
    if bytes.count > limit {
      throw Failure(
        .permanent, "read", path.description, cause: "a hook wrote more than \(limit) bytes to SLIPWAY_OUTPUT")
    }
    return bytes
  }

  package func remove(_ run: RunID) throws(Failure) {
    let directory = directory(of: run)
    try attempt("remove", directory) { () throws(ErrorNumber) in try clear(directory) }
  }

  private func directory(of run: RunID) -> BytePath {
    state.appending("runs").appending(run.text)
  }
}

/// A manifest beside the one that it will replace.
private final class LocalManifestFile: ManifestFile {
  private let path: BytePath
  private let temporary: BytePath
  private var descriptor: Int32

  init(_ path: BytePath) throws(Failure) {
    self.path = path
    let temporary = BytePath(path.bytes + Array(".new".utf8))
    self.temporary = temporary
    descriptor = try attempt("write", temporary) { () throws(ErrorNumber) in
      try makePrivate(temporary)
    }
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      _ = withPathBytes(temporary.bytes) { unlink($0) }
    }
  }

  func append(_ bytes: [UInt8]) throws(Failure) {
    try attempt("write", temporary) { () throws(ErrorNumber) in try writeAll(bytes, to: descriptor) }
  }

  func commit() throws(Failure) {
    close(descriptor)
    descriptor = -1
    try attempt("write", path) { () throws(ErrorNumber) in
      let answer = withPathBytes(temporary.bytes) { from in withPathBytes(path.bytes) { rename(from, $0) } }
      if answer != 0 { throw ErrorNumber.last }
    }
  }
}

/// A manifest that is open for reading, whatever stands in its place later.
private final class LocalManifest: OpenFile {
  let descriptor: Int32
  let fingerprint: Fingerprint
  private let path: BytePath

  init(_ path: BytePath) throws(Failure) {
    let descriptor = try attempt("open", path) { () throws(ErrorNumber) in
      try openPrivate(path, O_RDONLY | O_NONBLOCK)
    }
    do throws(Failure) {
      fingerprint = try Self.fingerprint(of: descriptor, path)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  func currentFingerprint() throws(Failure) -> Fingerprint { try Self.fingerprint(of: descriptor, path) }

  private static func fingerprint(of descriptor: Int32, _ path: BytePath) throws(Failure) -> Fingerprint {
    var status = stat()
    try attempt("read", path) { () throws(ErrorNumber) in
      if fstat(descriptor, &status) != 0 { throw ErrorNumber.last }
    }
    if !status.isRegularFile {
      throw Failure(.permanent, "read", path.description, cause: "it is not a regular file: a hook has replaced it")
    }
    return Fingerprint(status)
  }
}

@discardableResult
private func attempt<Value>(
  _ operation: String, _ path: BytePath, _ body: () throws(ErrorNumber) -> Value
) throws(Failure) -> Value {
  do throws(ErrorNumber) {
    return try body()
  } catch {
    let failure = Failure(errno: error.value, operation: operation, subject: path)
    throw isOfStateDirectory(error.value, operation) ? failure.fatal : failure
  }
}

/// Whether no other run would fare better. What a hook may have done to the files of its own run is that run's failure.
private func isOfStateDirectory(_ number: Int32, _ operation: String) -> Bool {
  switch number {
  case ENOSPC, EDQUOT, EROFS, EIO: true
  // The directories are made before any hook of the run begins.
  case EACCES, EPERM: operation == "make"
  default: false
  }
}

extension Failure {
  fileprivate var fatal: Failure {
    Failure(.fatal, operation, subject, code: code, cause: cause, remedy: remedy)
  }
}

/// Only this user may read what a run keeps.
private func openPrivate(_ path: BytePath, _ flags: Int32) throws(ErrorNumber) -> Int32 {
  try retryingInterrupted { withPathBytes(path.bytes) { Glibc.open($0, flags | O_CLOEXEC | O_NOFOLLOW, 0o600) } }
}

/// A new file, for writing, in place of whatever lies there: to open the FIFO that a hook has left would wait for ever.
private func makePrivate(_ path: BytePath) throws(ErrorNumber) -> Int32 {
  try clear(path)
  return try openPrivate(path, O_WRONLY | O_CREAT | O_EXCL)
}

/// Removes whatever lies there, all of a directory; a link itself.
private func clear(_ path: BytePath) throws(ErrorNumber) {
  let answer = withPathBytes(path.bytes) { rmdir($0) }
  if answer == 0 || errno == ENOENT { return }
  if errno == ENOTDIR { return try removed(withPathBytes(path.bytes) { unlink($0) }) }
  let roots = RootDirectories([path.parent])
  try DirectoryRemoval(of: .everything, in: try roots.open(.here, in: path, flags: O_RDONLY | O_DIRECTORY)).run()
  try removed(withPathBytes(path.bytes) { rmdir($0) })
}

/// A thing that is gone already has been removed.
private func removed(_ answer: Int32) throws(ErrorNumber) {
  if answer != 0, errno != ENOENT { throw ErrorNumber.last }
}

private func makeDirectories(_ path: BytePath) throws(ErrorNumber) {
  let make = { withPathBytes(path.bytes) { mkdir($0, 0o700) } }
  if make() == 0 || errno == EEXIST { return }
  guard errno == ENOENT, path.parent != path else { throw ErrorNumber.last }
  try makeDirectories(path.parent)
  if make() != 0, errno != EEXIST { throw ErrorNumber.last }
}

/// read(2) until the end, or until `limit` bytes are there.
private func readAll(from descriptor: Int32, limit: Int) throws(ErrorNumber) -> [UInt8] {
  var bytes: [UInt8] = []
  while bytes.count < limit {
    var count = 0
    let chunk = try [UInt8](unsafeUninitializedCapacity: min(64 * 1024, limit - bytes.count)) {
      (buffer, filled) throws(ErrorNumber) in
      count = read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0 { throw ErrorNumber.last }
      filled = count
    }
    if count == 0 { break }
    bytes += chunk
  }
  return bytes
}
