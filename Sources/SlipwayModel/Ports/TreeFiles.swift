/// The files of this machine, as a run needs them: walk, open, retire. Every call may block in the kernel, and is
/// made from a thread that may.
public protocol TreeFiles: QueueFiles {
  /// The same files, whose `walk`, `open`, `fingerprint` and `content` treat symbolic links so; nothing else ever
  /// follows one. As they come they skip links.
  func with(_ symlinks: SymlinkPolicy) -> any TreeFiles

  /// What lies in and below `tree` (absolute), in byte order of the paths relative to it; of a tree that is a regular
  /// file that file, with the path `.`, which the other calls take as well. Lazy: a directory is read when the walk
  /// comes to it. Where links are followed, one that leads out of the watched directory, nowhere, or to a directory that
  /// it lies in comes as a link. Throws where the tree itself cannot be opened; what cannot be read below it comes as an
  /// entry.
  func walk(_ tree: BytePath) throws(Failure) -> any TreeWalk

  /// Looks in `directory` (absolute) and everything below it, following no link, for entries whose last component is
  /// one of `names`. Lazy, and much cheaper than a walk: nothing is sorted and no file is looked at. Throws where
  /// `directory` itself cannot be listed.
  func find(_ names: Set<BytePath>, in directory: BytePath) throws(Failure) -> any NameSearch

  /// Opens a regular file at `path` below `tree`. Never blocks on a FIFO. For some
  /// milliseconds after the watched directory was replaced it may be the old one's file: its fingerprint tells.
  func open(_ path: BytePath, in tree: BytePath) throws(Failure) -> any OpenFile

  /// The fingerprint of what the name leads to now; nil if there is nothing or no regular file.
  func fingerprint(_ path: BytePath, in tree: BytePath) throws(Failure) -> Fingerprint?

  /// The directory to which the path (absolute) leads now; nil if it leads to none. Idempotent.
  func identity(of directory: BytePath) throws(Failure) -> DirectoryIdentity?

  /// The last directory on the way from `tree` down to `directory` (relative to it) that lies on another file system than
  /// the one in which it lies; nil: there is none. The way ends where nothing lies any more. Idempotent.
  func mountPoint(above directory: BytePath, in tree: BytePath) throws(Failure) -> BytePath?

  /// The content of a small regular file at `path` below `tree`; nil if there is none. One of more than `limit` bytes is
  /// a permanent failure. Idempotent.
  func content(of path: BytePath, in tree: BytePath, limit: Int) throws(Failure) -> [UInt8]?

  /// The regular file at `path` below `tree`, and whether somebody writes it; nil if there is none. Idempotent.
  func state(of path: BytePath, in tree: BytePath) throws(Failure) -> FileState?

  /// What lies at a marker's path (absolute); nil if there is no regular file. Idempotent.
  func marker(at path: BytePath) throws(Failure) -> MarkerState?

  /// Unlinks the file if it still has `fingerprint`; false if it has another one, true also if it is gone.
  func remove(_ path: BytePath, in tree: BytePath, ifStill fingerprint: Fingerprint) throws(Failure) -> Bool

  /// Removes the marker if it is still this one; true also if it is gone.
  func removeMarker(at path: BytePath, ifStill marker: MarkerIdentity) throws(Failure) -> Bool

  /// Removes the directories in and below `tree` that are empty, deepest first, the tree itself too unless
  /// `keepingRoot`. A directory that is not empty stays, without an error. Idempotent.
  func removeEmptyDirectories(in tree: BytePath, keepingRoot: Bool) throws(Failure)

  /// Renames `tree` into `directory`, which is made if it is missing, and returns its new path: a taken name gets a
  /// suffix. Throws a permanent failure for another file system.
  func move(_ tree: BytePath, into directory: BytePath) throws(Failure) -> BytePath

  /// Writes a small file whole or not at all: temporary name, fsync, rename.
  func write(_ bytes: [UInt8], to path: BytePath) throws(Failure)
}

/// A walk under way. Not for two threads at once.
public protocol TreeWalk: AnyObject {
  /// The next entry, nil at the end. Directories that could be read do not appear.
  func next() -> WalkEntry?
}

/// A search under way. Not for two threads at once.
public protocol NameSearch: AnyObject {
  /// The absolute path of the next entry of a name that is looked for, in no order; nil at the end, and where the task
  /// is cancelled.
  func next() -> BytePath?
  /// What could not be listed so far.
  var problems: [Failure] { get }
}

/// One thing that a walk found.
public struct WalkEntry: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case file(Fingerprint)
    case link
    /// A FIFO, socket or device.
    case special
    /// It, or the directory of this path, could not be read.
    case unreadable(Failure)
  }

  /// Relative to the tree.
  public let path: BytePath
  public let kind: Kind

  public init(path: BytePath, kind: Kind) {
    self.path = path
    self.kind = kind
  }
}

/// A regular file that is open for reading. Closed when the last reference goes.
public protocol OpenFile: AnyObject, Sendable {
  /// For `pread`, never for `read`: there is no common offset. Valid as long as the object is.
  var descriptor: Int32 { get }
  /// By `fstat` right after it was opened.
  var fingerprint: Fingerprint { get }
  /// By `fstat` now.
  func currentFingerprint() throws(Failure) -> Fingerprint
  /// Of what the name leads to now, by `lstat`; nil if there is nothing. Where it is equal to `fingerprint`, so is that
  /// of the descriptor: it is the same inode.
  func fingerprintOfName() throws(Failure) -> Fingerprint?
}

extension OpenFile {
  /// For a file that has no name of its own.
  public func fingerprintOfName() throws(Failure) -> Fingerprint? { try currentFingerprint() }
}

/// A regular file as it lies there.
public struct FileState: Sendable, Hashable {
  public let fingerprint: Fingerprint
  /// Whether somebody has it open for writing; nil where the kernel does not tell.
  public let isOpenForWriting: Bool?
  /// How long ago it was modified, by the file system's clock against ours; never negative.
  public let age: Duration

  public init(fingerprint: Fingerprint, isOpenForWriting: Bool?, age: Duration) {
    self.fingerprint = fingerprint
    self.isOpenForWriting = isOpenForWriting
    self.age = age
  }
}

/// A marker file as it lies there.
public struct MarkerState: Sendable, Hashable {
  public let identity: MarkerIdentity
  /// Whether somebody still has it open for writing; nil where the kernel does not tell.
  public let isOpenForWriting: Bool?
  /// How long ago it was modified, by the file system's clock against ours; never negative.
  public let age: Duration

  public init(identity: MarkerIdentity, isOpenForWriting: Bool?, age: Duration) {
    self.identity = identity
    self.isOpenForWriting = isOpenForWriting
    self.age = age
  }
}
