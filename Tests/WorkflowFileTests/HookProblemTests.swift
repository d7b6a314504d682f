import Testing
import WorkflowFile

@Suite("Problems with hooks and what comes after a run")
struct HookProblemTests {
  private let bundle = Bundle()

  private func check(_ lines: String, _ heads: [String]) throws {
    try bundle.makeDirectory("in")
    #expect(bundle.heads(bundle.load(workflow(lines))) == heads.map { "workflows.yaml:\($0)" })
  }

  @Test(
    "Hooks",
    arguments: [
      (
        rest + "\nhooks: { before: [] , post: x }",
        ["8:14: error: unknown key 'before'; there are pre and post", "8:33: error: expected a list, found text"]
      ),
      (
        rest + "\nhooks: { pre: [{ when: always, run: true }] }",
        ["8:22: error: 'when' is for post hooks; a pre hook always runs"]
      ),
      (
        rest + "\nhooks: { post: [{ when: never, run: true }] }",
        ["8:29: error: expected success, failure or always, found 'never'"]
      ),
      (rest + "\nhooks: { post: [{ timeout: 1s }] }", ["8:21: error: missing key 'run' or 'shell'"]),
      (rest + "\nhooks: { post: [{ run: true, shell: x }] }", ["8:34: error: 'shell' cannot stand beside 'run'"]),
      (
        rest + "\nhooks: { post: [{ shell: '' }, { shell: [a] }] }",
        [
          "8:30: error: expected text for sh -c, found empty text",
          "8:45: error: expected text for sh -c, found a list",
        ]
      ),
      (
        rest + "\nhooks: { post: [[], { run: {} }, null, [true, [x]]] }",
        [
          "8:21: error: expected a program and its arguments, found an empty list",
          "8:32: error: expected text or a list, found a mapping",
          "8:38: error: expected a program, found nothing", "8:51: error: expected text, found a list",
        ]
      ),
      (
        rest + "\nhooks: { post: [{ run: true, timeout: 30 }, { run: true, timeout: 0s }] }",
        [
          "8:43: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found '30'",
          "8:71: error: expected a duration from 1ms to 7d, found '0s'",
        ]
      ),
      (rest + "\nhooks: { post: [{ run: true, dry_run: yes }] }", ["8:43: error: expected true or false, found 'yes'"]),
      (
        rest + "\nhooks: { post: [{ run: true, env: { SLIPWAY_X: 1, A-B: 1, AWS_SESSION_TOKEN: 1, C: [] } }] }",
        [
          "8:41: error: 'SLIPWAY_X' is set by Slipway itself",
          "8:55: error: the name of an environment variable has only letters, digits and '_', found 'A-B'",
          "8:63: error: credentials are given neither to hooks nor to plugins; 'AWS_SESSION_TOKEN' cannot be named",
          "8:88: error: expected text, found a list",
        ]
      ),
      (
        rest
          + "\nhooks: { post: [{ run: true, pass_env: [AWS_PROFILE, AWS_SECRET_ACCESS_KEY, AWS_ACCESS_KEY_ID, ''] }] }",
        [
          "8:58: error: credentials are given neither to hooks nor to plugins; 'AWS_SECRET_ACCESS_KEY' cannot be named",
          "8:81: error: credentials are given neither to hooks nor to plugins; 'AWS_ACCESS_KEY_ID' cannot be named",
          "8:100: error: expected the name of an environment variable, found empty text",
        ]
      ),
    ] as [Case])
  func hooks(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }

  @Test(
    "What comes after a run",
    arguments: [
      (rest + "\nafter: remove", ["8:12: error: expected keep, delete or { move: DIR }, found 'remove'"]),
      (
        rest + "\nafter: { success: { mov: x } }",
        ["8:23: error: missing key 'move'", "8:25: error: unknown key 'mov'; did you mean 'move'?"]
      ),
      (
        rest + "\nafter: { move: x, failure: keep }",
        ["8:14: error: 'move' cannot stand beside 'success' and 'failure'; write it under one of them"]
      ),
      (rest + "\nafter: {}", ["8:12: error: missing key 'success' or 'failure'"]),
      (
        rest + "\nretry: { attempts: 0, backoff: 5m..1s, defer: 1 }",
        [
          "8:24: error: expected a whole number from 1 to 1000, found '0'",
          "8:36: error: the range '5m..1s' ends before it begins",
          "8:51: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found '1'",
        ]
      ),
      (rest + "\nretry: { backoff: 5m }", ["8:23: error: expected a range of durations, as in 1s..5m, found '5m'"]),
      (
        rest + "\nretry: { attempts: 1e3, backoff: 1s..8d }",
        [
          "8:24: error: expected a whole number from 1 to 1000, found '1e3'",
          "8:38: error: expected a duration from 1ms to 7d, found '8d'",
        ]
      ),
      (
        rest + "\nretry: { attempts: 08, backoff: 1s.. }",
        [
          "8:24: error: expected a whole number from 1 to 1000, found '08'",
          "8:37: error: expected a duration with a unit (ms, s, m, h or d), as in 25s or 1h30m, found ''",
        ]
      ),
      (
        rest
          + "\ntests:\n- { key: a }\n- { path: a }\n- { path: a, key: b, skip: link }\n- { path: /a, key: b }\n- { path: ../a, skip: never }",
        [
          "9:7: error: missing key 'path'", "10:7: error: missing key 'key' or 'skip'",
          "11:26: error: 'skip' cannot stand beside 'key'",
          "12:15: error: expected a path below the watched directory, found '/a'",
          "13:15: error: expected a path below the watched directory, found '../a'",
          "13:27: error: expected filter, exclude, marker, link, special, sidecar or settings, found 'never'",
        ]
      ),
    ] as [Case])
  func endings(_ lines: String, _ heads: [String]) throws { try check(lines, heads) }
}
