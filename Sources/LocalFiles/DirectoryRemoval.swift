import CLibc
import Glibc

/// Removes what lies below a directory, deepest first, over no link and without recursion. For one thread.
final class DirectoryRemoval {
  enum Scope {
    case emptyDirectories
    /// All but what is mounted there.
    case everything
  }

  private let scope: Scope
  private let reader = DirectoryReader()
  private var stack: DirectoryStack
  /// One a level.
  private var listings: [DirectoryListing] = []
  private var firstError: ErrorNumber?

  /// Takes over the descriptor of `opened`.
  init(of scope: Scope, in opened: RootDirectories.Opened) {
    self.scope = scope
    stack = DirectoryStack(owning: opened)
  }

  /// Goes on past what cannot be removed and throws the first of it at the end.
  func run() throws(ErrorNumber) {
    listings = [try list()]
    while let listing = listings.last {
      do throws(ErrorNumber) {
        switch try listing.next() {
        case nil: leave()
        case (let name, .directory)?: enter(name)
        case (let name, _)?: try unlink(name)
        }
      } catch {
        note(error)
      }
    }
    if let firstError { throw firstError }
  }

  /// Removes an empty directory; one that is not, or is a mount point, stays, and one that is gone is gone.
  static func remove(_ name: [UInt8], from directory: Int32) throws(ErrorNumber) {
    if withPathBytes(name, { unlinkat(directory, $0, AT_REMOVEDIR) }) == 0 { return }
    if [ENOENT, ENOTEMPTY, EEXIST, EBUSY].contains(errno) { return }
    throw ErrorNumber.last
  }

  private func list() throws(ErrorNumber) -> DirectoryListing {
    try DirectoryListing(stack.current, reader, onlyDirectories: scope == .emptyDirectories)
  }

  private func unlink(_ name: UnsafePointer<CChar>) throws(ErrorNumber) {
    if unlinkat(stack.current, name, 0) != 0, errno != ENOENT { throw ErrorNumber.last }
  }

  /// Into a directory; one that cannot be read may still be empty, and rmdir(2) needs no permission to read it.
  private func enter(_ name: UnsafePointer<CChar>) {
    do throws(ErrorNumber) {
      try stack.push(name)
    } catch {
      removeFromCurrent(Array(UnsafeRawBufferPointer(start: name, count: strlen(name))))
      return
    }
    do throws(ErrorNumber) {
      // What was mounted there meanwhile is none of ours.
      if scope == .everything, slipway_is_mount_point(stack.current) == 1 { throw ErrorNumber(EBUSY) }
      listings.append(try list())
    } catch {
      note(error)
      leaveStack()
    }
  }

  private func leave() {
    listings.removeLast()
    if !listings.isEmpty { leaveStack() }
  }

  /// Up, and then the directory that was left is removed if it is empty.
  private func leaveStack() {
    let name = stack.currentName
    do throws(ErrorNumber) {
      try stack.pop()
      removeFromCurrent(name)
    } catch {
      note(error)
      listings.last?.skipRest()
    }
  }

  private func removeFromCurrent(_ name: [UInt8]) {
    do throws(ErrorNumber) {
      try Self.remove(name, from: stack.current)
    } catch let error where error.value == ENOTDIR {
      // Listed as a directory and replaced since: no business of ours.
    } catch {
      note(error)
    }
  }

  private func note(_ error: ErrorNumber) {
    if firstError == nil { firstError = error }
  }
}
