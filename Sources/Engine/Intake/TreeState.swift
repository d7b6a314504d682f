import SlipwayModel

/// What a tree without a marker is like now, as far as the filter takes it.
struct TreeState {
  private(set) var digest = TreeDigest()
  /// When anything last happened to one of its files.
  private(set) var newest = Timestamp(nanoseconds: .min)
  /// What could not be read: nothing is concluded of the tree then.
  private(set) var problems: [Failure] = []

  /// So many are told.
  private static let problemsMax = 10

  /// `nil` if nothing lies there, or nothing that is taken.
  static func read(_ tree: TreeID, _ context: WorkflowContext, _ ports: EnginePorts) throws(Failure) -> TreeState? {
    let walk: any TreeWalk
    do throws(Failure) {
      walk = try ports.files.walk(tree.path)
    } catch {
      if error.code == "ENOENT" || error.code == "ENOTDIR" || error.code == "ELOOP" { return nil }
      throw error
    }
    let planner = context.plannerForLooking(at: tree, ports)
    var state = TreeState()
    while let entry = walk.next() { state.add(entry, planner) }
    return state.isEmpty ? nil : state
  }

  /// Whether there is nothing to upload, nor anything to tell.
  var isEmpty: Bool { digest.fileCount == 0 && problems.isEmpty }

  mutating func add(_ entry: WalkEntry, _ planner: Planner) {
    if case .unreadable(let failure) = entry.kind {
      if problems.count < Self.problemsMax { problems.append(failure) }
      return
    }
    let item = planner.decide(entry)
    switch item.decision {
    case .upload(let planned), .proven(let planned): add(entry.path, planned.fingerprint)
    // The run tells, and fails; what it plans is digested likewise.
    case .fail, .skip, .answer: if let consulted = item.consulted { note(entry.path, consulted) }
    }
  }

  mutating func add(_ path: BytePath, _ file: Fingerprint) {
    digest.add(path, file)
    noteTime(of: file)
  }

  private mutating func note(_ path: BytePath, _ consulted: Fingerprint) {
    digest.note(path, consulted)
    noteTime(of: consulted)
  }

  private mutating func noteTime(of file: Fingerprint) {
    newest = max(newest, Timestamp(nanoseconds: max(file.modified, file.changed)))
  }
}

/// A file of a tree that somebody has open for writing.
struct OpenWriter {
  let path: BytePath

  /// The first one; nil if there is none as far as the kernel tells, or the tree is gone. `unknown` is called for each
  /// file of which it does not.
  static func first(
    in tree: BytePath, _ files: any TreeFiles, unknown: () -> Void = {}
  ) throws(Failure) -> OpenWriter? {
    let walk: any TreeWalk
    do throws(Failure) {
      walk = try files.walk(tree)
    } catch {
      if error.code == "ENOENT" { return nil }
      throw error
    }
    while let entry = walk.next() {
      guard case .file = entry.kind, let state = try files.state(of: entry.path, in: tree) else { continue }
      if state.isOpenForWriting == true { return OpenWriter(path: tree.appending(entry.path)) }
      if state.isOpenForWriting == nil { unknown() }
    }
    return nil
  }
}

extension WorkflowContext {
  var settleTime: Duration { workflow.settleTime ?? ReadyDecision.settleTime }

  /// One that decides what is taken; its keys are those of a run that began now.
  func plannerForLooking(at tree: TreeID, _ ports: EnginePorts) -> Planner {
    planner(for: runForLooking(at: tree, ports), ports)
  }

  /// What a run that began now would be; it is stored nowhere.
  func runForLooking(at tree: TreeID, _ ports: EnginePorts) -> Run {
    let now = ports.clock.now()
    var run = Run(id: RunID(at: now, entropy: (0, 0)), tree: tree, marker: nil, created: now)
    run.targetPrefix = evaluatedPrefix(for: run, ports: ports)
    // What is wrong with them the run tells, and ends by it.
    if let settings = try? settings(of: tree, ports) { run.settings = settings }
    return run
  }
}
