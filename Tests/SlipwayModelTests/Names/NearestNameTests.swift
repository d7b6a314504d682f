import Testing

@testable import SlipwayModel

@Suite("Slips of the pen")
struct NearestNameTests {
  @Test(
    "Left out, added, changed and swapped letters count one each",
    arguments: [
      ("filter", "filter", 0), ("filtr", "filter", 1), ("fliter", "filter", 1), ("filterr", "filter", 1),
      ("silter", "filter", 1), ("", "abc", 3), ("abc", "", 3), ("queue", "ready", 5),
    ])
  func counts(_ first: String, _ second: String, _ expected: Int) {
    #expect(slips(Array(first.utf8), Array(second.utf8)) == expected)
  }

  @Test("Only a name that is near for its length is proposed, the nearest first")
  func proposes() {
    #expect(nearest(to: "destinaitons", among: ["watch", "destinations"]) == "destinations")
    #expect(nearest(to: "rum", among: ["run", "shell"]) == "run")
    #expect(nearest(to: "pat", among: ["path", "key"]) == "path")
    #expect(nearest(to: "xy", among: ["key"]) == nil)
    #expect(nearest(to: "queue", among: ["ready", "retry"]) == nil)
    #expect(nearest(to: String(repeating: "a", count: 100_000), among: ["a"]) == nil)
  }
}
