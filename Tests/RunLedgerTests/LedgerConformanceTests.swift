import RunLedger
import SlipwayModel
import TestSupport
import Testing

@Suite("The contract of a ledger")
struct LedgerConformanceTests {
  @Test("is kept in memory", arguments: ledgerConformance)
  func inMemory(_ check: Conformance<any Ledger>) async throws {
    try await check.run(InMemoryLedger())
  }

  @Test("is kept by the SQLite file", arguments: ledgerConformance)
  func inSQLite(_ check: Conformance<any Ledger>) async throws {
    let directory = try TemporaryDirectory()
    let ledger = try await SQLiteLedger(in: StateDirectory(directory.path("state")))
    try await check.run(ledger)
    await ledger.close()
  }
}
