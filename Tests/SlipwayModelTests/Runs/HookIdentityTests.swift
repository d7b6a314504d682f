import SlipwayModel
import Testing

@Suite("Hooks")
struct HookIdentityTests {
  private func hook(_ path: String, _ arguments: String...) -> Hook {
    Hook(command: .program(BytePath(path), arguments: arguments), location: somewhere)
  }

  @Test("A hook keeps its identity when the list around it is edited")
  func identities() {
    let clean = hook("/h/clean", "--keep", "7")
    let tell = Hook(command: .shell("echo \"a\nb\""), location: somewhere)
    #expect(Hook.identities(of: [clean, tell]) == ["/h/clean --keep 7", #"sh -c echo "a\nb""#])
    #expect(Hook.identities(of: [tell, hook("/h/new"), clean]).last == "/h/clean --keep 7")
    #expect(
      Hook.identities(of: [clean, hook("/h/x"), clean, clean])
        == ["/h/clean --keep 7", "/h/x", "/h/clean --keep 7 #2", "/h/clean --keep 7 #3"])
  }

  @Test("A hook succeeded if it ended with 0, and in no other way")
  func success() {
    func record(_ ending: HookResult.Ending?) -> HookRecord {
      HookRecord(
        run: RunID("r"), phase: .post, hook: "h", attempt: 1, started: Timestamp(seconds: 0),
        result: ending.map { HookResult(ending: $0, output: [], duration: .zero) })
    }
    #expect(record(.exited(0)).succeeded)
    for ending: HookResult.Ending? in [nil, .exited(1), .exited(75), .signalled(9), .timedOut, .cancelled] {
      #expect(!record(ending).succeeded)
    }
  }
}
