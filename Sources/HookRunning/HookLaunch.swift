import Glibc
import SlipwayModel

/// What is open for a hook from before its start to its end.
struct HookLaunch: Sendable {
  let command: CommandLine
  let directory: Descriptor
  let manifest: Descriptor
  /// Non-blocking; the hook's end of the pipe has a description of its own and blocks as programs expect.
  let output: Descriptor
  /// To be closed here as soon as the hook has it, or the end of the output would never be seen.
  let outputWriter: Descriptor

  /// Opens everything. Blocks: not for the task pool.
  init(_ hook: HookInvocation) throws(StartFailure) {
    command = try CommandLine(hook.command, environment: hook.environment)
    guard let directory = Descriptor.open(hook.directory.bytes, O_RDONLY | O_DIRECTORY) else {
      throw StartFailure("directory", hook.directory, code: errno)
    }
    guard let manifest = Descriptor.open(hook.manifest.bytes, O_RDONLY) else {
      throw StartFailure("manifest", hook.manifest, code: errno)
    }
    guard let pipe = Descriptor.pipe(), fcntl(pipe.reader.number, F_SETFL, O_NONBLOCK) == 0 else {
      throw StartFailure("no pipe for its output: \(errorText(errno))")
    }
    self.directory = directory
    self.manifest = manifest
    output = pipe.reader
    outputWriter = pipe.writer
  }

  static func opening(_ hook: HookInvocation) -> Result<HookLaunch, StartFailure> {
    Result { () throws(StartFailure) in try HookLaunch(hook) }
  }

  func close() {
    for descriptor in [directory, manifest, output, outputWriter] { descriptor.close() }
  }
}
