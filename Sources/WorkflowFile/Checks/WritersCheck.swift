import Glibc
import SlipwayModel

/// Whether somebody other than its owner may write a file, or put another in its place: whoever can do that to a hook
/// or to the configuration runs commands as Slipway's user.
struct WritersCheck {
  let diagnostics: Diagnostics
  /// The operator's word that this is meant; the problem is then a warning.
  let isTrusted: Bool

  /// The file by its name, behind its links, and the directories of both.
  func check(_ path: BytePath, at mark: Mark) {
    if case .success(let facts) = LocalInspection.facts(path) { check(path, facts, at: mark) }
  }

  /// The same with `facts` of a file that is open already.
  func check(_ path: BytePath, _ facts: FileFacts, at mark: Mark) {
    if let writer = Self.writer(facts) { report("'\(path)' can be written by \(writer)", at: mark) }
    let directories = [path.parent, LocalInspection.resolved(path).parent]
    for directory in directories[0] == directories[1] ? [directories[0]] : directories {
      checkDirectory(directory, of: path, at: mark)
    }
  }

  private func checkDirectory(_ directory: BytePath, of path: BytePath, at mark: Mark) {
    guard case .success(let facts) = LocalInspection.facts(directory), !facts.isSticky,
      let writer = Self.writer(facts)
    else { return }
    report("'\(path)' lies in '\(directory)', which can be written by \(writer)", at: mark)
  }

  private func report(_ message: String, at mark: Mark) {
    if isTrusted { diagnostics.warning(message, at: mark) } else { diagnostics.error(message, at: mark) }
  }

  private static func writer(_ facts: FileFacts) -> String? {
    if facts.mode & S_IWOTH != 0 { return "others (mode \(octal(facts.mode))); chmod o-w it" }
    if facts.mode & S_IWGRP != 0, facts.group != ownGroup(of: facts.owner) {
      return "group \(facts.group), which is not its owner's own (mode \(octal(facts.mode))); chmod g-w it"
    }
    return nil
  }

  private static func octal(_ mode: mode_t) -> String {
    let digits = String(mode & 0o7777, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }

  /// The primary group; where nobody knows the user, as in many containers, the group of the same number.
  private static func ownGroup(of user: uid_t) -> gid_t {
    var record = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: recordSize)
    guard getpwuid_r(user, &record, &buffer, buffer.count, &found) == 0, found != nil else { return user }
    return record.pw_gid
  }

  /// Far more than a line of passwd(5) has.
  private static let recordSize = 16 * 1024
}
