import SlipwayModel
import Testing

@testable import Engine

@Suite struct IntakeGateTests {
  @Test("Without a rule an intake never ends by itself")
  func noRule() {
    var gate = IntakeGate(rule: nil)
    for _ in 0..<100 { gate.began() }
    #expect(gate.isOpen && gate.letsBegin && !gate.isOver)
  }

  @Test("A count lets so many trees begin, and one that is deferred gives its place to another that is in already")
  func count() {
    var gate = IntakeGate(rule: .count(2))
    gate.began()
    #expect(gate.isOpen)
    gate.began()
    #expect(gate.isOpen && !gate.letsBegin && gate.isOver)
    gate.gaveBack()
    #expect(gate.isOpen && gate.letsBegin && !gate.isOver)
  }

  @Test("A closed intake lets begin what was ready before, and nothing new in")
  func closed() {
    var gate = IntakeGate(rule: .markers(complete: BytePath(".complete"), abort: nil))
    gate.close()
    #expect(!gate.isOpen && gate.letsBegin && gate.isOver)
  }

  @Test("An aborted intake lets nothing begin, whatever is ready")
  func aborted() {
    var gate = IntakeGate(rule: .markers(complete: nil, abort: BytePath(".abort")))
    gate.abort()
    #expect(!gate.isOpen && !gate.letsBegin && gate.isOver)
  }
}
