import Glibc

/// Removes the empty directories below one, deepest first, without recursion. For one thread.
final class EmptyDirectoryRemoval {
  private let reader = DirectoryReader()
  private var stack: DirectoryStack
  /// One a level.
  private var listings: [DirectoryListing] = []
  private var firstError: ErrorNumber?

  /// Takes over the descriptor of `opened`.
  init(_ opened: RootDirectories.Opened) {
    stack = DirectoryStack(owning: opened)
  }

  /// Goes on past what cannot be removed and throws the first of it at the end.
  func run() throws(ErrorNumber) {
    listings = [try DirectoryListing(stack.current, reader, onlyDirectories: true)]
    while let listing = listings.last {
      do throws(ErrorNumber) {
        if let (name, _) = try listing.next() {
          enter(name)
        } else {
          leave()
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

  /// Into a directory; one that cannot be read may still be empty, and rmdir(2) needs no permission to read it.
  private func enter(_ name: UnsafePointer<CChar>) {
    do throws(ErrorNumber) {
      try stack.push(name)
    } catch {
      removeFromCurrent(Array(UnsafeRawBufferPointer(start: name, count: strlen(name))))
      return
    }
    do throws(ErrorNumber) {
      listings.append(try DirectoryListing(stack.current, reader, onlyDirectories: true))
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
