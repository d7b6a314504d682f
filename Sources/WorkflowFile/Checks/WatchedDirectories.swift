import Glibc
import SlipwayModel

/// One entry of a `watch`.
struct WatchedDirectory {
  /// Of the workflow, in the order of the file.
  let workflow: Int
  let name: WorkflowName
  let path: BytePath
  /// Without symbolic links.
  let resolved: BytePath
  let keepsFiles: Bool
  /// Whether what lies in directories below it is none of its workflow's.
  let isFlat: Bool
  let mark: Mark
}

/// Every watched directory of every workflow.
struct WatchedDirectories {
  let all: [WatchedDirectory]

  init(_ workflows: [WorkflowDraft]) {
    all = workflows.enumerated().flatMap { index, workflow in
      workflow.watch.map { directory in
        WatchedDirectory(
          workflow: index, name: workflow.name, path: directory.value,
          resolved: LocalInspection.resolved(directory.value), keepsFiles: workflow.keepsFiles,
          isFlat: workflow.queue != nil, mark: directory.mark)
      }
    }
  }

  /// The watched directory in which `path` lies.
  func containing(_ path: BytePath, of name: WorkflowName? = nil) -> WatchedDirectory? {
    let resolved = LocalInspection.resolved(path)
    return all.first { (name == nil || $0.name == name) && resolved.isWithin($0.resolved) }
  }
}

extension ConfigurationChecks {
  func checkExists(_ directory: WatchedDirectory) {
    switch LocalInspection.facts(directory.path) {
    case .failure(let error) where error.number == ENOENT:
      diagnostics.error("the watched directory '\(directory.path)' does not exist", at: directory.mark)
    case .failure(let error):
      diagnostics.error("the watched directory '\(directory.path)' cannot be read: \(error)", at: directory.mark)
    case .success(let facts) where !facts.isDirectory:
      diagnostics.error("'\(directory.path)' is not a directory", at: directory.mark)
    case .success where !LocalInspection.isAllowed(R_OK | X_OK, directory.path):
      let error = SystemError(EACCES)
      diagnostics.error("the watched directory '\(directory.path)' cannot be read: \(error)", at: directory.mark)
    case .success: break
    }
  }

  /// Two watches of one directory, or one in another, are told at the later one, once for each directory. They are
  /// allowed where both workflows keep their files: then neither takes away what the other still has to read.
  func checkOverlaps(_ watched: WatchedDirectories) {
    for (index, later) in watched.all.enumerated() {
      for earlier in watched.all[..<index] {
        guard let problem = Self.overlap(of: later, with: earlier) else { continue }
        diagnostics.error(problem, at: later.mark)
        break
      }
    }
  }

  private static func overlap(of later: WatchedDirectory, with earlier: WatchedDirectory) -> String? {
    let relation: String
    if later.resolved == earlier.resolved {
      relation = "is"
    } else if later.resolved.isWithin(earlier.resolved) {
      relation = "lies in"
    } else if earlier.resolved.isWithin(later.resolved) {
      relation = "contains"
    } else {
      return nil
    }
    let isSame = later.workflow == earlier.workflow
    if isSame, relation == "is" { return "'\(later.path)' is watched twice" }
    if later.keepsFiles, earlier.keepsFiles { return nil }
    let owner = isSame ? "the same workflow" : "workflow \(quoted(earlier.name.text))"
    return "the watched directory '\(later.path)' \(relation) '\(earlier.path)' of \(owner); "
      + "only workflows with after: keep may overlap"
  }
}
