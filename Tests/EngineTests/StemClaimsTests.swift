import SlipwayModel
import TestSupport
import Testing

@testable import Engine

@Suite struct StemClaimsTests {
  private let stem = [(destination: DestinationName("a"), key: ObjectKey("t"))]
  private let first = TreeID(workflow: WorkflowName("w"), watch: BytePath("/one"), name: BytePath("t"))
  private let second = TreeID(workflow: WorkflowName("w"), watch: BytePath("/two"), name: BytePath("t"))

  @Test("A claim belongs to the first tree, as the ledger has it; nothing is kept of it beside that")
  func claimed() async throws {
    let ledger = InMemoryLedger()
    let claims = StemClaims(ledger: ledger)
    try await ledger.commit(try await claims.claim(first, stem))
    await claims.release(first)
    #expect(await claims.isEmpty)
    #expect(try await claims.claim(first, stem) == [])
    await claims.release(first)
    await #expect(throws: Failure.self) { try await claims.claim(second, stem) }
  }

  @Test("Of two trees that claim at once one is refused")
  func atOnce() async throws {
    let claims = StemClaims(ledger: InMemoryLedger())
    _ = try await claims.claim(first, stem)
    await #expect(throws: Failure.self) { try await claims.claim(second, stem) }
  }

  @Test("A claim that came to nothing binds nobody")
  func released() async throws {
    let claims = StemClaims(ledger: InMemoryLedger())
    _ = try await claims.claim(first, stem)
    await claims.release(first)
    #expect(try await claims.claim(second, stem).count == 1)
  }
}
