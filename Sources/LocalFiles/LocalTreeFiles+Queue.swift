import CLibc
import Glibc
import SlipwayModel

/// Spool directories.
extension LocalTreeFiles {
  package func list(_ directory: BytePath) throws(Failure) -> any DirectoryEntries {
    do throws(ErrorNumber) {
      let opened = try openDirectory(directory)
      return LocalEntries(try DirectoryListing(opened.descriptor, DirectoryReader()), of: directory)
    } catch {
      throw Failure(errno: error.value, operation: "read directory", subject: directory)
    }
  }

  package func claim(
    _ names: [BytePath], from directory: BytePath, into working: BytePath, believing isBelieved: Bool
  ) throws(Failure) -> [ClaimAnswer] {
    let source: OpenDirectory
    do throws(ErrorNumber) {
      source = try openDirectory(directory)
    } catch {
      throw Failure(errno: error.value, operation: "read directory", subject: directory)
    }
    let claiming = QueueClaiming(
      source: source, working: try openWorking(working), directory: directory, workingPath: working)
    return names.map { claiming.claim($0, believing: isBelieved) }
  }

  package func takeUp(_ names: [BytePath], in working: BytePath) throws(Failure) -> [ClaimAnswer] {
    do throws(ErrorNumber) {
      let directory = try openForClaims(working)
      return names.map { QueueClaiming.takeUp($0, in: directory, at: working) }
    } catch {
      if error.value == ENOENT { return names.map { _ in .taken } }
      throw Failure(errno: error.value, operation: "read directory", subject: working)
    }
  }

  package func putBack(_ name: BytePath, from working: BytePath, to directory: BytePath) throws(Failure) -> Bool {
    do throws(ErrorNumber) {
      let (source, target) = (try openDirectory(working), try openDirectory(directory))
      let answer = withPathBytes(name.bytes) {
        slipway_rename_no_replace(source.descriptor, $0, target.descriptor, $0)
      }
      if answer == 0 { return true }
      let error = ErrorNumber.last
      switch error.value {
      case ENOENT: return true
      case EEXIST: return false
      case EINVAL, ENOSYS, EOPNOTSUPP: return try linkBack(name, from: source, to: target)
      default: throw error
      }
    } catch {
      throw Self.moveFailure(error, working.appending(name), directory)
    }
  }

  /// Where there is no RENAME_NOREPLACE.
  private func linkBack(
    _ name: BytePath, from source: OpenDirectory, to target: OpenDirectory
  ) throws(ErrorNumber) -> Bool {
    if withPathBytes(name.bytes, { linkat(source.descriptor, $0, target.descriptor, $0, 0) }) != 0 {
      if errno == EEXIST { return false }
      throw ErrorNumber.last
    }
    if withPathBytes(name.bytes, { unlinkat(source.descriptor, $0, 0) }) != 0 { throw ErrorNumber.last }
    return true
  }

  package func dispose(
    _ names: [BytePath], from working: BytePath, to directory: BytePath
  ) throws(Failure) -> [Result<BytePath?, Failure>] {
    do throws(ErrorNumber) {
      let (source, target) = (try openDirectory(working), try openMaking(directory))
      return names.map { name in
        do throws(ErrorNumber) {
          return .success(directory.appending(BytePath(try rename(name.bytes, from: source, to: target))))
        } catch {
          if error.value == ENOENT { return .success(nil) }
          return .failure(Self.moveFailure(error, working.appending(name), directory))
        }
      }
    } catch {
      throw Self.moveFailure(error, working, directory)
    }
  }

  /// Half of what may be open at a time, at most some thousand.
  package var claimsMax: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Self.claimsMin }
    return max(Self.claimsMin, min(Self.claimsMost, Int(clamping: limit.rlim_cur) / 2))
  }

  private static let claimsMin = 16
  private static let claimsMost = 4096

  private func openWorking(_ directory: BytePath) throws(Failure) -> OpenDirectory {
    do throws(ErrorNumber) {
      do throws(ErrorNumber) {
        return try openForClaims(directory)
      } catch let error where error.value == ENOENT {
        _ = try openMaking(directory)
        return try openForClaims(directory)
      }
    } catch {
      throw Failure(errno: error.value, operation: "open", subject: directory)
    }
  }

  /// Each claim keeps it open, so it is one for all of them.
  private func openForClaims(_ directory: BytePath) throws(ErrorNumber) -> OpenDirectory {
    let (root, rest) = try roots.root(of: directory)
    return rest.isEmpty ? root : try openDirectory(directory)
  }

  private func openDirectory(_ directory: BytePath) throws(ErrorNumber) -> OpenDirectory {
    OpenDirectory(owning: try roots.open(.here, in: directory, flags: O_RDONLY | O_DIRECTORY).descriptor)
  }
}

private final class LocalEntries: DirectoryEntries {
  private let listing: DirectoryListing
  private let directory: BytePath

  init(_ listing: DirectoryListing, of directory: BytePath) {
    self.listing = listing
    self.directory = directory
  }

  func next() throws(Failure) -> DirectoryEntry? {
    do throws(ErrorNumber) {
      guard let (name, type) = try listing.next() else { return nil }
      let path = BytePath(Array(UnsafeRawBufferPointer(start: name, count: strlen(name))))
      return DirectoryEntry(name: path, kind: DirectoryEntry.Kind(type))
    } catch {
      throw Failure(errno: error.value, operation: "read directory", subject: directory)
    }
  }
}

extension DirectoryEntry.Kind {
  fileprivate init(_ type: DirectoryReader.EntryType) {
    switch type {
    case .directory: self = .directory
    case .link: self = .link
    case .special: self = .special
    // What it is shows when it is opened.
    case .file, .unknown: self = .file
    }
  }
}
