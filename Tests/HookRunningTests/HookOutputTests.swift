import Foundation
import HookRunning
import SlipwayModel
import Synchronization
import Testing

@Suite("A hook's output")
struct HookOutputTests {
  let bench: HookBench

  init() throws {
    bench = try HookBench()
  }

  @Test("stdout and stderr come together, in order, line by line, the last one without a newline too")
  func lines() async {
    let log = LineLog()
    let result = await bench.shell("echo one; echo two >&2; echo; printf 'fo\\033ur\\r\\n'; printf last") {
      log.append($0)
    }
    #expect(log.lines == ["one", "two", "", "fo\u{1B}ur\r", "last"])
    #expect(result.text == "one\ntwo\n\nfo\u{1B}ur\r\nlast")
  }

  @Test("bytes that are not text come as they are")
  func bytes() async {
    let log = LineLog()
    let result = await bench.shell("printf 'a\\377\\000b\\nc'") { log.append($0) }
    #expect(log.rawLines == [[0x61, 0xFF, 0, 0x62], [0x63]])
    #expect(result.output == [0x61, 0xFF, 0, 0x62, 0x0A, 0x63])
  }

  @Test("a line is cut at 4 KiB, and the next one is whole")
  func longLine() async {
    let log = LineLog()
    _ = await bench.shell(
      "head -c 4096 /dev/zero | tr '\\0' a; echo; head -c 300000 /dev/zero | tr '\\0' b; echo; echo c"
    ) { log.append($0) }
    #expect(log.lines.map(\.utf8.count) == [4096, 4096, 1])
    #expect(log.lines.map(\.first) == ["a", "b", "c"])
  }

  @Test("exactly the last 64 KiB are kept", arguments: [65_535, 65_536, 65_537, 131_072, 131_073, 400_000])
  func tail(_ count: Int) async {
    let result = await bench.shell("seq -f %015.0f 0 30000 | head -c \(count)")
    let whole = (0...30_000).map { String(repeating: "0", count: 15 - String($0).count) + String($0) + "\n" }.joined()
    #expect(result.output == Array(whole.utf8.prefix(count).suffix(65_536)))
  }

  @Test("a flood of 200 MB does not stall the hook, and its end is kept")
  func flood() async {
    let seen = Mutex(0)
    let result = await bench.shell("yes 'sixteen bytes a' | head -c 16000000; head -c 200000000 /dev/zero; echo end") {
      _ in
      seen.withLock { $0 += 1 }
    }
    #expect(result.ending == .exited(0))
    #expect(result.output.count == 65_536)
    #expect(result.output.suffix(5) == Array("\0end\n".utf8)[...])
    #expect(seen.withLock { $0 } == 1_000_000 + 1)
  }

  @Test("an endless flood ends at the time limit")
  func endless() async {
    let result = await bench.hanging("exec yes") { $0.output.count == 65_536 }
    #expect(result.ending == .timedOut)
    #expect(result.output.count == 65_536)
  }

  @Test("a flood from the background ends a second after the hook")
  func floodBehind() async {
    var isFlooded = false
    // On a busy machine it may not come to write within that second.
    for _ in 0..<20 where !isFlooded {
      let result = await bench.shell("yes & echo $$; exit 8")
      #expect(result.ending == .exited(8))
      isFlooded = result.output.suffix(4).contains(UInt8(ascii: "y"))
    }
    #expect(isFlooded)
  }
}
