import SlipwayModel
import Testing

@testable import Engine

@Suite struct IntakeGateTests {
  @Test("Without a rule an intake never ends by itself")
  func noRule() {
    var gate = IntakeGate(rule: nil)
    for _ in 0..<100 { gate.began() }
    #expect(gate.isOpen && gate.letsBegin && !gate.isOver(hasReady: false))
  }

  @Test("A count lets so many trees begin, and a deferred one gives its place back")
  func count() {
    var gate = IntakeGate(rule: .count(2))
    gate.began()
    #expect(gate.isOpen)
    gate.began()
    #expect(!gate.isOpen && !gate.letsBegin)
    #expect(gate.isOver(hasReady: true))
    gate.wasPutOff()
    #expect(gate.isOpen && gate.letsBegin && !gate.isOver(hasReady: false))
  }

  @Test("A closed intake lets begin what was ready before, and is over with it")
  func closed() {
    var gate = IntakeGate(rule: .markers(complete: BytePath(".complete"), abort: nil))
    gate.close()
    #expect(!gate.isOpen && gate.letsBegin)
    #expect(!gate.isOver(hasReady: true))
    #expect(gate.isOver(hasReady: false))
  }

  @Test("An aborted intake lets nothing begin, whatever is ready")
  func aborted() {
    var gate = IntakeGate(rule: .markers(complete: nil, abort: BytePath(".abort")))
    gate.abort()
    #expect(!gate.isOpen && !gate.letsBegin && gate.isOver(hasReady: true))
  }
}
