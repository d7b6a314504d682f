import CLibc
import Glibc
import SlipwayModel

extension LocalTreeFiles {
  package func find(_ names: Set<BytePath>, in directory: BytePath) throws(Failure) -> any NameSearch {
    do throws(ErrorNumber) {
      return try LocalNameSearch(
        names, in: directory, try roots.open(.here, in: directory, flags: O_RDONLY | O_DIRECTORY))
    } catch {
      throw Failure(errno: error.value, operation: "read directory", subject: directory)
    }
  }
}

/// Looks for names below a directory, one reading of each directory, without recursion. For one thread.
private final class LocalNameSearch: NameSearch {
  /// So many unreadable directories are told; the last one stands for the rest.
  static let problemsMax = 100

  private let names: [[UInt8]]
  private let directory: BytePath
  private let reader = DirectoryReader()
  private var stack: DirectoryStack
  /// One a level.
  private var listings: [DirectoryListing] = []
  /// In the directory that was read last, and not handed out yet: at most one for each name.
  private var found: [BytePath] = []
  private(set) var problems: [Failure] = []

  /// Takes over the descriptor of `opened`, which is open at `directory`.
  init(_ names: Set<BytePath>, in directory: BytePath, _ opened: RootDirectories.Opened) throws(ErrorNumber) {
    self.names = names.map(\.bytes)
    self.directory = directory
    self.stack = DirectoryStack(owning: opened)
    try list()
  }

  func next() -> BytePath? {
    while found.isEmpty, !Task.isCancelled, let listing = listings.last {
      do throws(ErrorNumber) {
        if let (name, _) = try listing.next() { enter(name) } else { leave() }
      } catch {
        note(error, at: current)
      }
    }
    return found.popLast()
  }

  /// Reads the current directory: keeps what is found, and the directories in it.
  private func list() throws(ErrorNumber) {
    listings.append(
      try DirectoryListing(stack.current, reader, onlyDirectories: true) { name in
        let length = strlen(name)
        for wanted in names where wanted.count == length {
          if wanted.withUnsafeBytes({ memcmp($0.baseAddress ?? UnsafeRawPointer(name), name, length) }) == 0 {
            found.append(current.appending(BytePath(wanted)))
          }
        }
      })
  }

  private var current: BytePath { directory.appending(BytePath(Array(stack.path.dropLast()))) }

  private func enter(_ name: UnsafePointer<CChar>) {
    do throws(ErrorNumber) {
      try stack.push(name)
    } catch {
      let name = BytePath(Array(UnsafeRawBufferPointer(start: name, count: strlen(name))))
      return note(error, at: current.appending(name))
    }
    do throws(ErrorNumber) {
      try list()
    } catch {
      note(error, at: current)
      leaveStack()
    }
  }

  private func leave() {
    listings.removeLast()
    if !listings.isEmpty { leaveStack() }
  }

  private func leaveStack() {
    do throws(ErrorNumber) {
      try stack.pop()
    } catch {
      note(error, at: current)
      listings.last?.skipRest()
    }
  }

  /// What has gone since its directory was read is not there.
  private func note(_ error: ErrorNumber, at path: BytePath) {
    if [ENOENT, ENOTDIR, ELOOP].contains(error.value) { return }
    if problems.count == Self.problemsMax { problems.removeLast() }
    problems.append(Failure(errno: error.value, operation: "read directory", subject: path))
  }
}
