import RunLedger
import SlipwayModel
import TestSupport
import Testing

@Suite("A ledger that is opened for reading")
struct ReadingTests {
  let directory: TemporaryDirectory
  var state: BytePath { directory.path("state") }

  init() throws { directory = try TemporaryDirectory() }

  @Test("says clearly that there is none yet, and makes nothing")
  func none() async throws {
    let failure = try await #require(throws: Failure.self) { _ = try await SQLiteLedger(readingAt: state) }
    #expect(
      failure.message
        == "cannot read the ledger \(state)/ledger.sqlite: there is none yet; the first `slipway run` makes it")
    #expect(failure.code == "NoLedger")
    #expect(failure.kind == .permanent)
    #expect(try directory.list() == [])
  }

  @Test("reads without a service, takes no lock and leaves the directory as it was")
  func withoutService() async throws {
    try await write(plainRun(1))
    let before = try snapshot()
    let reader = try await SQLiteLedger(readingAt: state)
    #expect(try await reader.unfinishedRuns() == [plainRun(1)])
    _ = try StateDirectory(state)
    await reader.close()
    #expect(try snapshot() == before)
  }

  @Test("reads beside a service, and sees what it commits")
  func besideService() async throws {
    let service = try await SQLiteLedger(in: StateDirectory(state))
    try await service.commit([.run(plainRun(1))])
    let reader = try await SQLiteLedger(readingAt: state)
    #expect(try await reader.unfinishedRuns() == [plainRun(1)])
    try await service.commit([.run(plainRun(2))])
    #expect(try await reader.unfinishedRuns() == [plainRun(1), plainRun(2)])
    await reader.close()
    try await service.commit([.run(plainRun(3))])
    await service.close()
  }

  @Test("sees what a service commits that was started later")
  func serviceStartsLater() async throws {
    try await write(plainRun(1))
    let reader = try await SQLiteLedger(readingAt: state)
    #expect(try await reader.unfinishedRuns() == [plainRun(1)])
    let service = try await SQLiteLedger(in: StateDirectory(state))
    try await service.commit([.run(plainRun(2))])
    #expect(try await reader.unfinishedRuns() == [plainRun(1), plainRun(2)])
    await service.close()
    #expect(try await reader.unfinishedRuns() == [plainRun(1), plainRun(2)])
    await reader.close()
  }

  @Test("sees what a service wrote that came and went meanwhile")
  func serviceCameAndWent() async throws {
    try await write(plainRun(1))
    let reader = try await SQLiteLedger(readingAt: state)
    try await write(plainRun(2))
    #expect(try await reader.unfinishedRuns() == [plainRun(1), plainRun(2)])
    await reader.close()
    #expect(try directory.list(BytePath("state")) == [BytePath("ledger.sqlite"), BytePath("lock")])
  }

  @Test("sees what a killed service left in its log")
  func afterKill() async throws {
    let service = try await SQLiteLedger(in: StateDirectory(state))
    try await service.commit([.run(plainRun(1))])
    for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
      try directory.write(try directory.read("state/\(name)"), to: BytePath("copy/\(name)"))
    }
    await service.close()
    let reader = try await SQLiteLedger(readingAt: directory.path("copy"))
    #expect(try await reader.unfinishedRuns() == [plainRun(1)])
    await reader.close()
    let successor = try await SQLiteLedger(in: StateDirectory(directory.path("copy")))
    #expect(try await successor.unfinishedRuns() == [plainRun(1)])
    await successor.close()
  }

  @Test("works in a directory whose name means something in a URI")
  func oddName() async throws {
    let odd = directory.path("a?b#c%20d=e&f")
    let service = try await SQLiteLedger(in: StateDirectory(odd))
    try await service.commit([.run(plainRun(1))])
    await service.close()
    let reader = try await SQLiteLedger(readingAt: odd)
    #expect(try await reader.unfinishedRuns() == [plainRun(1)])
    await reader.close()
  }

  @Test("takes no change")
  func noChange() async throws {
    try await write(plainRun(1))
    let reader = try await SQLiteLedger(readingAt: state)
    let failure = try await #require(throws: Failure.self) { try await reader.commit([.run(plainRun(2))]) }
    #expect(failure.message == "cannot write the ledger \(state)/ledger.sqlite: it was opened for reading")
    await reader.close()
  }

  private func write(_ run: Run) async throws {
    let service = try await SQLiteLedger(in: StateDirectory(state))
    try await service.commit([.run(run)])
    await service.close()
  }

  private func snapshot() throws -> [BytePath: [UInt8]] {
    try Dictionary(
      uniqueKeysWithValues: directory.list(BytePath("state")).map {
        ($0, try directory.read(BytePath("state").appending($0)))
      })
  }
}
