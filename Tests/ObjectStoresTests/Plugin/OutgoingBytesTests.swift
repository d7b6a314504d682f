import Testing

@testable import ObjectStores

@Suite("Bytes that wait for a pipe")
struct OutgoingBytesTests {
  @Test("go in order, and those that have gone are not kept while others come")
  func kept() {
    var outgoing = OutgoingBytes()
    var (next, sent): (UInt8, [UInt8]) = (0, [])
    for _ in 0..<1_000 {
      outgoing.append((0..<100).map { next &+ $0 })
      next &+= 100
      // Never all of it.
      let count = outgoing.withUnsafeBytes { bytes in
        sent += bytes.dropLast(10)
        return bytes.count - 10
      }
      outgoing.drop(count)
      #expect(outgoing.held <= 2 * 110)
    }
    sent += outgoing.withUnsafeBytes { Array($0) }
    outgoing.drop(10)
    #expect(outgoing.isEmpty && outgoing.held == 0)
    let isInOrder = sent == (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
    #expect(isInOrder)
  }
}
