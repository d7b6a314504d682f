import SlipwayModel
import Synchronization
import Testing

@testable import Engine

@Suite("Pieces that are done side by side", .timeLimit(.minutes(1))) struct SideBySideTests {
  /// How many are under way, and how many have been at most.
  private final class Watch: Sendable {
    private let state = Mutex((now: 0, most: 0))

    var most: Int { state.withLock { $0.most } }

    func around(_ body: () async -> Void) async {
      state.withLock { state in
        state.now += 1
        state.most = max(state.most, state.now)
      }
      await body()
      state.withLock { $0.now -= 1 }
    }
  }

  @Test("What they bring comes in the order of the pieces, whichever ends first, and never more are under way")
  func order() async throws {
    let watch = Watch()
    var (number, told) = (0, [Int]())
    try await sideBySide(atMost: 4) { () async throws(Failure) -> Piece<Int>? in
      defer { number += 1 }
      let own = number
      if own == 500 { return nil }
      if own % 5 == 4 { return .done(own) }
      return .work {
        await watch.around { for _ in 0..<(own * 7 % 23) { await Task.yield() } }
        return own
      }
    } _: {
      told.append($0)
    }
    #expect(told == Array(0..<500))
    #expect((2...4).contains(watch.most), "\(watch.most)")
  }

  @Test("One that takes long holds up no more than so many")
  func bounded() async throws {
    let begun = Mutex(0)
    let (signals, ended) = AsyncStream<Void>.makeStream()
    var number = 0
    var told: [Int] = []
    try await sideBySide(atMost: 2) { () async throws(Failure) -> Piece<Int>? in
      defer { number += 1 }
      let own = number
      if own == 0 {
        return .work {
          for await _ in signals { break }
          return begun.withLock { $0 }
        }
      }
      if own == 1000 { return nil }
      return .work {
        // No more than these fit behind the first.
        let count = begun.withLock { begun in
          begun += 1
          return begun
        }
        if count == 31 { ended.yield() }
        return own
      }
    } _: {
      told.append($0)
    }
    #expect(told.first == 31)
    #expect(told.dropFirst() == ArraySlice(1..<1000))
  }

  @Test("Where the pieces end with a failure, what came before is told")
  func failure() async {
    var (number, told) = (0, [Int]())
    let failure = await #expect(throws: Failure.self) {
      try await sideBySide(atMost: 3) { () async throws(Failure) -> Piece<Int>? in
        defer { number += 1 }
        let own = number
        if own == 10 { throw Failure(.permanent, "read", "a page", cause: "it broke") }
        return .work { own }
      } _: {
        told.append($0)
      }
    }
    #expect(failure?.cause == "it broke")
    #expect(told == Array(0..<10))
  }
}
