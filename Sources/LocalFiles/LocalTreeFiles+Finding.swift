import CLibc
import Glibc
import SlipwayModel

extension LocalTreeFiles {
  package func find(
    _ names: Set<BytePath>, in directory: BytePath, found: (BytePath) -> Void
  ) throws(Failure) -> [Failure] {
    do throws(ErrorNumber) {
      let search = NameSearch(
        names, in: directory, try roots.open(.here, in: directory, flags: O_RDONLY | O_DIRECTORY))
      try search.run(found)
      return search.problems
    } catch {
      throw Failure(errno: error.value, operation: "read directory", subject: directory)
    }
  }
}

/// Looks for names below a directory, one reading of each directory, without recursion. For one thread.
private final class NameSearch {
  /// So many unreadable directories are told; the last one stands for the rest.
  static let problemsMax = 100

  private let names: [[UInt8]]
  private let directory: BytePath
  private let reader = DirectoryReader()
  private var stack: DirectoryStack
  /// One a level.
  private var listings: [DirectoryListing] = []
  private(set) var problems: [Failure] = []

  /// Takes over the descriptor of `opened`, which is open at `directory`.
  init(_ names: Set<BytePath>, in directory: BytePath, _ opened: RootDirectories.Opened) {
    self.names = names.map(\.bytes)
    self.directory = directory
    self.stack = DirectoryStack(owning: opened)
  }

  func run(_ found: (BytePath) -> Void) throws(ErrorNumber) {
    try list(found)
    while let listing = listings.last {
      do throws(ErrorNumber) {
        if let (name, _) = try listing.next() {
          enter(name, found)
        } else {
          leave()
        }
      } catch {
        note(error, at: current)
      }
    }
  }

  /// Reads the current directory: tells what is found, and keeps the directories in it.
  private func list(_ found: (BytePath) -> Void) throws(ErrorNumber) {
    listings.append(
      try DirectoryListing(stack.current, reader, onlyDirectories: true) { name in
        let length = strlen(name)
        for wanted in names where wanted.count == length {
          if wanted.withUnsafeBytes({ memcmp($0.baseAddress ?? UnsafeRawPointer(name), name, length) }) == 0 {
            found(current.appending(BytePath(wanted)))
          }
        }
      })
  }

  private var current: BytePath { directory.appending(BytePath(Array(stack.path.dropLast()))) }

  private func enter(_ name: UnsafePointer<CChar>, _ found: (BytePath) -> Void) {
    do throws(ErrorNumber) {
      try stack.push(name)
    } catch {
      let name = BytePath(Array(UnsafeRawBufferPointer(start: name, count: strlen(name))))
      return note(error, at: current.appending(name))
    }
    do throws(ErrorNumber) {
      try list(found)
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
