/// Spool directories that several processes, also of several machines, work at once: each file is claimed by renaming it
/// into a directory of work, and held by a lock that goes with the process that holds it. Every call may block in the
/// kernel.
public protocol QueueFiles: Sendable {
  /// What lies in `directory` itself. Throws where it cannot be listed.
  func list(_ directory: BytePath) throws(Failure) -> any DirectoryEntries

  /// Claims files of `directory`: each is renamed into `working`, which is made if it is missing, overwrites nothing
  /// there, and is locked. One that somebody writes is left; where the kernel does not tell, those that are to be
  /// `believed` are claimed. One answer a name, in their order. Throws where one of the directories cannot be opened.
  func claim(
    _ names: [BytePath], from directory: BytePath, into working: BytePath, believing isBelieved: Bool
  ) throws(Failure) -> [ClaimAnswer]

  /// Takes up files that lie in `working` and that nobody holds. None lies where there is no such directory.
  func takeUp(_ names: [BytePath], in working: BytePath) throws(Failure) -> [ClaimAnswer]

  /// Renames a file back; false if another one has its name there. True also if it is gone.
  func putBack(_ name: BytePath, from working: BytePath, to directory: BytePath) throws(Failure) -> Bool

  /// Renames files out of `working` into `directory`, which is made if it is missing, and returns the new path of each: a
  /// taken name gets a suffix. Unlike `TreeFiles.move` it may be undone by a loss of power. nil for a file that is gone.
  func dispose(
    _ names: [BytePath], from working: BytePath, to directory: BytePath
  ) throws(Failure) -> [Result<BytePath?, Failure>]

  /// So many claims may be held at once: each is an open file.
  var claimsMax: Int { get }
}

/// A file that this process alone works on, until the last reference goes or the process ends.
public protocol FileClaim: AnyObject, Sendable {
  /// As it was when it was claimed.
  var fingerprint: Fingerprint { get }
  /// The file as it is now; nil if its name no longer leads to it.
  func state() throws(Failure) -> FileState?
  /// The file that is held, to be read; without another descriptor.
  func open() throws(Failure) -> any OpenFile
}

/// What became of the wish for one file.
public enum ClaimAnswer: Sendable {
  case claimed(any FileClaim)
  /// Another was first, or holds it.
  case taken
  /// Somebody has it open for writing.
  case written
  /// The kernel does not tell whether somebody has.
  case unsure(FileState)
  /// A file of this name is being worked on.
  case nameTaken
  case notAFile
  case failed(Failure)
}

/// A listing under way. Not for two threads at once.
public protocol DirectoryEntries: AnyObject {
  /// The next name, nil at the end.
  func next() throws(Failure) -> DirectoryEntry?
}

/// One name in a directory.
public struct DirectoryEntry: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case file, directory, link, special
  }

  public let name: BytePath
  public let kind: Kind

  public init(name: BytePath, kind: Kind) {
    self.name = name
    self.kind = kind
  }
}
