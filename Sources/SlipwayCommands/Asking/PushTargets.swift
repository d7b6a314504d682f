import ArgumentParser
import Glibc
import SlipwayModel

/// What a user names for `push`, as trees of the workflow. Links are followed here, and nowhere later.
struct PushTargets {
  let workflow: Workflow

  /// Throws a usage error that says what to do.
  func tree(named name: BytePath) throws -> TreeID {
    var isThere = false
    var found: [TreeID] = []
    for path in candidates(for: name) {
      guard let real = Self.realPath(path) else { continue }
      isThere = true
      guard let tree = tree(at: real) else { continue }
      try check(tree)
      if !found.contains(tree) { found.append(tree) }
      // What lies in the working directory is meant before what has that name elsewhere.
      if path == here(name) { break }
    }
    if found.count > 1 {
      throw ValidationError(
        "\(name) lies in \(found.map(\.watch.description).joined(separator: " and in ")): give its whole path.")
    }
    if let tree = found.first { return tree }
    let cause = isThere ? "lies under no directory that the workflow '\(workflow.name)' watches" : "does not exist"
    throw ValidationError("\(name) \(cause): name a directory below \(watched).")
  }

  private var watched: String { workflow.watch.map(\.path.description).joined(separator: ", ") }

  private func here(_ name: BytePath) -> BytePath {
    (name.isAbsolute ? name : BytePath.workingDirectory.appending(name)).normalized
  }

  private func candidates(for name: BytePath) -> [BytePath] {
    [here(name)] + (name.isAbsolute ? [] : workflow.watch.map { $0.path.appending(name).normalized })
  }

  private func tree(at real: BytePath) -> TreeID? {
    for watch in workflow.watch.map(\.path) {
      guard let root = Self.realPath(watch), let below = real.relative(to: root),
        let tree = workflow.tree(at: watch.appending(below))
      else { continue }
      return tree
    }
    return nil
  }

  /// What a tree of the workflow is.
  private func check(_ tree: TreeID) throws {
    switch workflow.intake {
    case .settled:
      if tree.name != .here, tree.name.components.count == 1 { return }
      throw ValidationError(
        "the trees of the workflow '\(workflow.name)' are the entries of \(tree.watch): name one of them.")
    case .queue:
      if tree.name.components.count == 1, Self.isRegularFile(tree.path) { return }
      throw ValidationError(
        "\(tree.path) is no regular file in \(tree.watch) itself, as the trees of the workflow '\(workflow.name)' are.")
    case .mirror:
      if tree.name == .here { return }
      throw ValidationError(
        "the workflow '\(workflow.name)' mirrors \(tree.watch) as a whole: name that directory, or none.")
    case .closed:
      if Self.isRegularFile(tree.path) { return }
      throw ValidationError(
        "\(tree.path) is no regular file, and each tree of the workflow '\(workflow.name)' is one: name a file.")
    case .marker:
      if Self.isDirectory(tree.path) { return }
      throw ValidationError(
        "\(tree.path) is no directory, and trees of the workflow '\(workflow.name)' are: name the one that it lies in.")
    }
  }

  /// nil if nothing lies there.
  private static func realPath(_ path: BytePath) -> BytePath? {
    guard let text = realpath(cString(path), nil) else { return nil }
    defer { free(text) }
    return BytePath(Array(UnsafeBufferPointer(start: text, count: strlen(text))).map { UInt8(bitPattern: $0) })
  }

  private static func isDirectory(_ path: BytePath) -> Bool { kind(of: path) == S_IFDIR }
  private static func isRegularFile(_ path: BytePath) -> Bool { kind(of: path) == S_IFREG }

  private static func kind(of path: BytePath) -> mode_t? {
    var status = stat()
    return stat(cString(path), &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  private static func cString(_ path: BytePath) -> [CChar] { path.bytes.map { CChar(bitPattern: $0) } + [0] }
}
