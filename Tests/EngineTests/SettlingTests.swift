import SlipwayModel
import Testing

@testable import Engine

@Suite struct SettlingTests {
  private let tree = TreeID(workflow: WorkflowName("w"), watch: BytePath("/in"), name: BytePath("t"))
  private let time = Duration.seconds(5)

  private func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }

  private func state(changed seconds: Int64, size: Int64 = 1) -> TreeState {
    var state = TreeState()
    state.add(
      .here, Fingerprint(device: 1, inode: 1, size: size, modified: 0, changed: at(seconds).nanoseconds))
    return state
  }

  private func isQuiet(_ settling: inout Settling, _ state: TreeState, at seconds: Int64) -> Bool {
    settling.isQuiet(tree, state, now: at(seconds), for: time)
  }

  @Test("Each hint pushes the time at which a tree is looked at")
  func pushed() {
    var settling = Settling()
    settling.touch(tree, now: at(10), for: time)
    settling.touch(tree, now: at(13), for: time)
    #expect(settling.earliest == at(18))
    #expect(settling.takeDue(at: at(17)) == [])
    #expect(settling.takeDue(at: at(18)) == [tree])
    #expect(settling.earliest == nil && settling.holds(tree.workflow))
    settling.settle(tree)
    #expect(!settling.holds(tree.workflow))
  }

  @Test("What is told while a tree is looked at is not forgotten with the look")
  func toldMeanwhile() {
    var settling = Settling()
    settling.touch(tree, now: at(10), for: time)
    _ = settling.takeDue(at: at(15))
    settling.touch(tree, now: at(16), for: time)
    settling.settle(tree)
    #expect(settling.earliest == at(21))
    settling.remove(tree)
    #expect(settling.earliest == nil && !settling.holds(tree.workflow))
  }

  @Test("A tree is quiet by the times of its files")
  func quiet() {
    var settling = Settling()
    #expect(isQuiet(&settling, state(changed: 5), at: 10))
    #expect(!isQuiet(&settling, state(changed: 7), at: 10))
    #expect(settling.earliest == at(12))
  }

  @Test("One from the future is quiet when it has been seen to stand still")
  func future() {
    var settling = Settling()
    #expect(!isQuiet(&settling, state(changed: 100), at: 10))
    #expect(settling.earliest == at(15))
    #expect(!isQuiet(&settling, state(changed: 100, size: 2), at: 15))
    #expect(settling.earliest == at(20))
    #expect(isQuiet(&settling, state(changed: 100, size: 2), at: 20))
  }

  @Test("Of more trees than it remembers a walk has to find the changes")
  func bounded() {
    var settling = Settling()
    for number in 0..<Settling.entriesMax {
      settling.touch(
        TreeID(workflow: tree.workflow, watch: tree.watch, name: BytePath("\(number)")), now: at(1), for: time)
    }
    #expect(!settling.hasRoom(for: tree))
    #expect(settling.hasRoom(for: TreeID(workflow: tree.workflow, watch: tree.watch, name: BytePath("7"))))
  }
}
