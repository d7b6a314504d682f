import GRDB
import Glibc
import SlipwayModel

/// Making the ledger's file, and refusing what must not be taken for a new one.
enum LedgerFile {
  /// Makes an empty ledger at `file` if nothing lies there: whole, under another name, and then renamed. So a file that
  /// has the ledger's name and is empty is always a damaged one, which SQLite itself would take for new.
  static func makeIfMissing(_ file: BytePath) throws {
    switch size(of: file) {
    case nil: break
    case 0?: throw damage(file, "the file is empty")
    default: return
    }
    if let log = size(of: walPath(of: file)), log > 0 {
      throw damage(file, "the file is gone and its log \(walPath(of: file)) is still there")
    }
    try make(file)
  }

  static func damage(_ file: BytePath, _ cause: String) -> Failure {
    Failure(.fatal, "open", "the ledger \(file)", code: "Corrupt", cause: cause, remedy: corruptionRemedy)
  }

  /// In bytes; nil if there is no such file.
  static func size(of file: BytePath) -> Int64? {
    var status = stat()
    return lstat(file.text, &status) == 0 ? Int64(status.st_size) : nil
  }

  static func walPath(of file: BytePath) -> BytePath {
    BytePath(file.bytes + Array("-wal".utf8))
  }

  private static func make(_ file: BytePath) throws {
    let draft = BytePath(file.bytes + Array(".new".utf8))
    // What a crash in here left behind.
    for suffix in ["", "-journal", "-wal", "-shm"] { unlink(draft.text + suffix) }
    // SQLite gives its other files the permissions of this one.
    let descriptor = open(draft.text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw systemFailure(errno, "make", file) }
    Glibc.close(descriptor)
    let queue = try DatabaseQueue(path: draft.text, configuration: WritingConnection.configuration)
    try queue.inDatabase { database in
      try LedgerSchema.migrate(database, at: file)
      try database.makeStatement(sql: "PRAGMA journal_mode = WAL").first { _ in }
    }
    try queue.close()
    guard rename(draft.text, file.text) == 0 else { throw systemFailure(errno, "make", file) }
    try syncDirectory(file.parent, of: file)
  }

  /// rename(2) is durable once its directory is.
  private static func syncDirectory(_ directory: BytePath, of file: BytePath) throws(Failure) {
    let descriptor = open(directory.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw systemFailure(errno, "make", file) }
    defer { Glibc.close(descriptor) }
    if fsync(descriptor) != 0 { throw systemFailure(errno, "make", file) }
  }

  private static func systemFailure(_ number: Int32, _ operation: String, _ file: BytePath) -> Failure {
    Failure(.fatal, operation, "the ledger \(file)", code: "Unusable", cause: systemText(number) ?? "no reason given")
  }
}

extension BytePath {
  /// For SQLite and the C library. A state directory's path is UTF-8: `StateDirectory` sees to it.
  var text: String { String(decoding: bytes, as: UTF8.self) }
}
