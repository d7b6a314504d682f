import GRDB
import Glibc
import SlipwayModel

/// A connection that only reads, beside a running service or without one.
///
/// SQLite's own way to read a file with a log needs the log's shared index, and makes one where there is none. So
/// where no log lies (the service ended well) the file is opened as one that nobody changes (`immutable=1`), which
/// makes nothing and locks nothing. If a service starts meanwhile, that shows in the files, and what was read is read
/// again the other way.
final class ReadingConnection: LedgerConnection {
  private let file: BytePath
  private var queue: DatabaseQueue
  /// How the file looked before it was opened as unchanging; nil where it was opened in the ordinary way.
  private var stillAs: Look?

  init(_ file: BytePath) throws(Failure) {
    self.file = file
    guard let size = LedgerFile.size(of: file) else {
      throw Failure(
        .permanent, "read", "the ledger \(file)", code: SQLiteLedger.noLedger, cause: "there is none yet",
        remedy: "the first `slipway run` makes it")
    }
    if size == 0 { throw LedgerFile.damage(file, "the file is empty") }
    do {
      (queue, stillAs) = try Self.open(file)
    } catch {
      throw ledgerFailure(error, "open", file)
    }
  }

  func commit(_ groups: [[LedgerChange]]) -> [Result<Void, Failure>] {
    let failure = Failure(.fatal, "write", "the ledger \(file)", code: "ReadOnly", cause: "it was opened for reading")
    return groups.map { _ in .failure(failure) }
  }

  func read<Value>(_ body: (Database) throws -> Value) -> Result<Value, Failure> {
    do {
      for _ in 0..<Self.mostReopenings {
        let result = Result { try inTransaction(body) }
        guard let stillAs, Look(file) != stillAs else { return .success(try result.get()) }
        (queue, self.stillAs) = try Self.open(file)
      }
      (queue, stillAs) = (try Self.openBesideLog(file), nil)
      return .success(try inTransaction(body))
    } catch {
      return .failure(ledgerFailure(error, "read", file))
    }
  }

  /// A service that is started and stopped over and over leaves no quiet moment; then SQLite's own way it is.
  private static let mostReopenings = 3

  func close() {
    // Nothing was written; there is nothing to lose.
    try? queue.close()
  }

  /// Several statements see one state of the ledger.
  private func inTransaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try queue.inDatabase { database in
      var value: Value?
      try database.inTransaction(.deferred) {
        value = try body(database)
        return .commit
      }
      guard let value else { throw SQLiteError(code: 0, text: "the transaction did not run") }
      return value
    }
  }

  private static func open(_ file: BytePath) throws -> (DatabaseQueue, Look?) {
    let look = Look(file)
    if look.logSize == 0, let queue = try openUnchanging(file) { return (queue, look) }
    return (try openBesideLog(file), nil)
  }

  private static func openBesideLog(_ file: BytePath) throws -> DatabaseQueue {
    try openChecked(file.text, file)
  }

  /// nil if a service came between: then it must be opened the other way.
  private static func openUnchanging(_ file: BytePath) throws -> DatabaseQueue? {
    let before = Look(file)
    do {
      return try openChecked("file:\(uriPath(file))?immutable=1", file)
    } catch  where Look(file) != before {
      return nil
    }
  }

  private static func openChecked(_ name: String, _ file: BytePath) throws -> DatabaseQueue {
    var configuration = WritingConnection.configuration
    configuration.readonly = true
    let queue = try DatabaseQueue(path: name, configuration: configuration)
    guard try queue.inDatabase({ try LedgerSchema.version(of: $0, at: file) }) == LedgerSchema.migrations.count else {
      throw Failure(
        .permanent, "read", "the ledger \(file)", code: "OlderSchema", cause: "an older Slipway wrote it",
        remedy: "the next `slipway run` brings it up to date")
    }
    return queue
  }

  /// What of a path means something in a URI is written in hexadecimal.
  private static func uriPath(_ file: BytePath) -> String {
    file.bytes.map { byte in
      switch byte {
      case UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"): "%" + hexadecimal(byte)
      default: String(decoding: [byte], as: UTF8.self)
      }
    }.joined()
  }
}

/// What changes about the files once somebody writes the ledger.
private struct Look: Equatable {
  var logSize: Int64
  var size: Int64 = 0
  var inode: UInt64 = 0
  /// A timespec, as its bytes: only whether it is the same counts.
  var modified: [UInt8] = []

  init(_ file: BytePath) {
    logSize = LedgerFile.size(of: LedgerFile.walPath(of: file)) ?? 0
    var status = stat()
    guard lstat(file.text, &status) == 0 else { return }
    size = Int64(status.st_size)
    inode = UInt64(status.st_ino)
    modified = withUnsafeBytes(of: status.st_mtim) { Array($0) }
  }
}
