#if DEBUG
  import SlipwayModel

  /// A destination with a point before and after each effect; what only reads goes through.
  struct CrashingStore: ObjectStore {
    private let store: any ObjectStore
    private let points: CrashPoints

    init(_ store: any ObjectStore, _ points: CrashPoints) {
      self.store = store
      self.points = points
    }

    nonisolated(nonsending) func put(
      _ file: any OpenFile, at key: ObjectKey, _ context: PutContext
    ) async throws(Failure) -> PutReceipt {
      points.pass("store.put.before")
      let receipt = try await store.put(file, at: key, context)
      points.pass("store.put.after")
      return receipt
    }

    func abandon(_ upload: MultipartUpload) async throws(Failure) {
      points.pass("store.abandon.before")
      try await store.abandon(upload)
      points.pass("store.abandon.after")
    }

    func abandon(
      _ upload: UnansweredUpload, unless isInUse: @Sendable () async throws(Failure) -> Bool
    ) async throws(Failure) {
      points.pass("store.sweep.before")
      try await store.abandon(upload, unless: isInUse)
      points.pass("store.sweep.after")
    }

    func delete(_ keys: [ObjectKey]) async throws(Failure) -> [ObjectFailure] {
      points.pass("store.delete.before")
      let left = try await store.delete(keys)
      points.pass("store.delete.after")
      return left
    }

    func copy(_ source: ObjectKey, to key: ObjectKey, for run: RunID) async throws(Failure) -> PutReceipt {
      points.pass("store.copy.before")
      let receipt = try await store.copy(source, to: key, for: run)
      points.pass("store.copy.after")
      return receipt
    }

    func settle(_ runs: [RunID]) async throws(Failure) {
      points.pass("store.settle.before")
      try await store.settle(runs)
      points.pass("store.settle.after")
    }

    nonisolated(nonsending) func recognise(
      _ file: any OpenFile, at key: ObjectKey, as known: KnownObject
    ) async throws(Failure) -> PutReceipt? { try await store.recognise(file, at: key, as: known) }
    func head(_ key: ObjectKey) async throws(Failure) -> ObjectHead? { try await store.head(key) }

    func get(_ key: ObjectKey, intoFile descriptor: Int32) async throws(Failure) -> ObjectHead {
      try await store.get(key, intoFile: descriptor)
    }

    func list(under prefix: ObjectKey) -> any ObjectWalk { store.list(under: prefix) }
    func url(of key: ObjectKey) -> String { store.url(of: key) }
  }
#endif
