import GRDB
import SlipwayModel

/// What the ledger's thread can do with its file. Never used by two threads.
protocol LedgerConnection: AnyObject {
  /// One result for each group; those that succeed are committed together.
  func commit(_ groups: [[LedgerChange]]) -> [Result<Void, Failure>]
  /// Reads one state of the ledger.
  func read<Value>(_ body: (Database) throws -> Value) -> Result<Value, Failure>
  func close()
}
