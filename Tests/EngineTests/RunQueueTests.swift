import SlipwayModel
import Testing

@testable import Engine

@Suite struct RunQueueTests {
  @Test("Runs start in the order in which their trees became ready")
  func order() {
    var queue = RunQueue()
    for name in ["b", "a", "c"] { queue.add(run(name)) }
    #expect(take(&queue) == "b")
    #expect(take(&queue) == "a")
    #expect(take(&queue) == "c")
    #expect(take(&queue) == nil)
  }

  @Test("A tree that contains a tree under way waits until that one is released")
  func outerWaitsForInner() {
    var queue = RunQueue()
    let inner = run("a/b")
    queue.add(inner)
    queue.add(run("a"))
    #expect(take(&queue) == "a/b")
    #expect(take(&queue) == nil)
    queue.release(inner.id)
    #expect(take(&queue) == "a")
  }

  @Test("An inner tree that was ready later does not overtake an outer one that waits")
  func innerDoesNotOvertake() {
    var queue = RunQueue()
    let first = run("a/b")
    queue.add(first)
    queue.add(run("a"))
    queue.add(run("a/c"))
    queue.add(run("d"))
    #expect(take(&queue) == "a/b")
    #expect(take(&queue) == "d")
    #expect(take(&queue) == nil)
    queue.release(first.id)
    #expect(take(&queue) == "a")
  }

  @Test("A run that may not begin keeps no other one waiting")
  func disallowedBlocksNobody() {
    var queue = RunQueue()
    queue.add(run("a", workflow: "closed"))
    queue.add(run("a/b", workflow: "open"))
    let next = queue.takeNext { $0.tree.workflow.text == "open" }
    #expect(next?.tree.name == BytePath("a/b"))
    #expect(queue.ready.count == 1)
  }

  @Test("A tree stands in the queue once")
  func once() {
    var queue = RunQueue()
    queue.add(run("a"))
    queue.add(run("a"))
    #expect(queue.containsReady(run("a").tree))
    #expect(take(&queue) == "a")
    #expect(!queue.containsReady(run("a").tree))
    #expect(queue.ready.isEmpty)
  }

  @Test("Names that only begin alike do not overlap")
  func siblings() {
    var queue = RunQueue()
    queue.add(run("my"))
    queue.add(run("mystuff"))
    #expect(take(&queue) == "my")
    #expect(take(&queue) == "mystuff")
  }

  private func take(_ queue: inout RunQueue) -> String? {
    queue.takeNext { _ in true }?.tree.name.description
  }

  private func run(_ name: String, workflow: String = "w") -> Run {
    Run(
      id: RunID(at: Timestamp(seconds: 1), entropy: (.random(in: .min ... .max), .random(in: .min ... .max))),
      tree: TreeID(workflow: WorkflowName(workflow), watch: BytePath("/watch"), name: BytePath(name)), marker: nil,
      created: Timestamp(seconds: 1))
  }
}
