import Glibc
import SlipwayModel
import Synchronization

/// A destination that is a directory of this machine. It needs no server, and takes any name that a file may have.
///
/// Each object is written under a name of its own in the directory where it belongs, and renamed over the old one:
/// a reader sees the old or the new, and a crash leaves nothing that a later put of the same name does not replace.
/// Every path is opened below the root by the kernel (openat2, RESOLVE_BENEATH), so no symbolic link leads out.
package final class DirectoryStore: ObjectStore {
  let path: BytePath
  let threads: any TaskExecutor
  private let makeHash: @Sendable () throws(Failure) -> any ContentHash
  let buffers = CopyBuffers()
  private let state = Mutex(State())
  /// One sync after the other: whoever comes later must see what an earlier one has lost.
  private let settling = Mutex(())

  private struct State {
    /// Held from the first put to the settling after the last: syncfs(2) tells a write error only to descriptors
    /// that were open when it happened. Not held longer, so that an idle destination can be unmounted.
    var root: DestinationRoot?
    var users = 0
    var unsettled = UnsettledRuns()
    /// Once seen, a root that is gone is not made anew: its file system has probably been unmounted.
    var hasBeenThere = false
  }

  /// `path` is absolute, and made by the first put. The store's blocking calls run on `threads`. `makeHash` gives a
  /// new hash, by default SHA-256, of which a receipt tells.
  package init(
    at path: BytePath, threads: any TaskExecutor,
    makeHash: @escaping @Sendable () throws(Failure) -> any ContentHash = { () throws(Failure) in try SHA256Hash() }
  ) {
    self.path = path
    self.threads = threads
    self.makeHash = makeHash
  }

  /// A file has no place for attributes.
  package func put(
    _ file: any OpenFile, at key: ObjectKey, _ context: PutContext
  ) async throws(Failure) -> PutReceipt {
    try await withTaskExecutorPreference(threads) { () async throws(Failure) in
      try store(file, key, for: context.run, context.progress)
    }
  }

  /// Files are copied whole.
  package func abandon(_ upload: MultipartUpload) async throws(Failure) {}

  package func abandon(
    _ upload: UnansweredUpload, unless isInUse: @Sendable () async throws(Failure) -> Bool
  ) async throws(Failure) {}

  /// One syncfs(2) for all files since the last: much cheaper than an fsync for each. It may be called at any time,
  /// also where nothing has been put.
  package func settle(_ runs: [RunID]) async throws(Failure) {
    try await withTaskExecutorPreference(threads) { () async throws(Failure) in
      try settling.withLock { _ throws(Failure) in try sync(for: runs) }
    }
  }

  private func sync(for runs: [RunID]) throws(Failure) {
    let root = try takeRoot()
    var isSettled = false
    defer { giveBack(isSettled: isSettled) }
    let mark = state.withLock { $0.unsettled.mark }
    do throws(Failure) {
      try root.sync()
    } catch {
      state.withLock { state in
        state.unsettled.lose(error)
        _ = state.unsettled.takeLoss(of: runs)
      }
      throw error
    }
    isSettled = true
    let lost = state.withLock { state in
      state.unsettled.settle(upTo: mark)
      return state.unsettled.takeLoss(of: runs)
    }
    if let lost { throw lost }
  }

  package func url(of key: ObjectKey) -> String {
    "file://" + percentEncoded(path.bytes + [UInt8(ascii: "/")] + key.bytes)
  }

  func store(
    _ file: any OpenFile, _ key: ObjectKey, for run: RunID, _ progress: TransferMeter
  ) throws(Failure) -> PutReceipt {
    let place = try DestinationPath(key)
    let root = try takeRoot(for: run)
    defer { giveBack(isSettled: false, run) }
    let directory = try root.directory(place.directory, for: key)
    let draft = try DraftFile(for: place.name, in: directory, key: key)
    let copy = FileCopy(of: file, to: draft, key: key, progress: progress)
    do throws(Failure) {
      let checksum = try buffers.withBuffer { buffer throws(Failure) in try copy.run(makeHash(), buffer) }
      try draft.setModified(file.fingerprint.modified)
      try copy.checkSource()
      if try !draft.publish() {
        try EmptiedDirectory(at: key, in: root, of: self).remove()
        guard try draft.publish() else { throw Failure.inTheWay(key, cause: "a directory lies there", in: path) }
      }
      return PutReceipt(size: copy.count, etag: "", checksum: Checksum(algorithm: .sha256, value: checksum))
    } catch {
      draft.discard()
      progress.sent(-copy.count)
      throw error
    }
  }

  /// Whether the root may be missing because nothing has been put yet.
  var mayBeUnmade: Bool { state.withLock { !$0.hasBeenThere } }

  /// `run` is the one for which something is to be written.
  private func takeRoot(for run: RunID? = nil) throws(Failure) -> DestinationRoot {
    try state.withLock { state throws(Failure) in
      let root: DestinationRoot
      if let held = state.root, held.isStill(at: path) {
        root = held
      } else {
        // Another directory lies there now; what went to the one before it must not be forgotten.
        do throws(Failure) {
          try state.root?.sync()
        } catch {
          state.unsettled.lose(error)
          throw error
        }
        root = try DestinationRoot(path, mayMake: !state.hasBeenThere)
      }
      state.root = root
      state.hasBeenThere = true
      state.users += 1
      if let run { state.unsettled.note(run) }
      return root
    }
  }

  private func giveBack(isSettled: Bool, _ run: RunID? = nil) {
    state.withLock { state in
      state.users -= 1
      if let run { state.unsettled.note(run) }
      if isSettled, state.users == 0 { state.root = nil }
    }
  }
}
