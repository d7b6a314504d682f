import Glibc
import Synchronization

/// What a plugin has started and what has left its process group: once the plugin is gone this process, a child subreaper,
/// adopts it. It is known by a variable of the environment that the plugin was started with.
struct PluginStrays {
  /// `SLIPWAY_PLUGIN`, whose value no other plugin of this process has.
  static let variable = "SLIPWAY_PLUGIN"

  /// The variable's value.
  let mark: String

  private static let last = Atomic<UInt64>(0)

  /// A new mark for a plugin of this process.
  static func newMark() -> String { "\(getpid()).\(last.wrappingAdd(1, ordering: .relaxed).newValue)" }

  /// Kills and reaps until nothing more is found. For when the plugin itself and its group are gone. Blocks.
  func end() {
    for _ in 0..<Self.rounds {
      let found = Self.children().filter(isMarked)
      if found.isEmpty { return }
      for pid in found {
        kill(pid, SIGKILL)
        for _ in 0..<Self.reapingRounds where waitpid(pid, nil, WNOHANG) == 0 { poll(nil, 0, 1) }
      }
    }
  }

  /// One generation of what was left is adopted after the other.
  private static let rounds = 100
  /// A millisecond each. What is killed may have to wait for its turn to die.
  private static let reapingRounds = 1000
  private static let environmentLimit = 2 << 20
  private static let childrenLimit = 1 << 20

  private func isMarked(_ pid: pid_t) -> Bool {
    let wanted = Array("\(Self.variable)=\(mark)".utf8)
    let block = Self.contents("/proc/\(pid)/environ", limit: Self.environmentLimit)
    return block.split(separator: 0).contains { $0.elementsEqual(wanted) }
  }

  /// The children of this process, adopted ones too; none on a kernel that does not tell (CONFIG_PROC_CHILDREN).
  private static func children() -> Set<pid_t> {
    guard let threads = opendir("/proc/self/task") else { return [] }
    defer { closedir(threads) }
    var found: Set<pid_t> = []
    while let entry = readdir(threads) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let thread = pid_t(name) else { continue }
      let list = contents("/proc/self/task/\(thread)/children", limit: childrenLimit)
      found.formUnion(list.split(separator: 0x20).compactMap { pid_t(String(decoding: $0, as: UTF8.self)) })
    }
    return found
  }

  /// Nothing of what cannot be read.
  private static func contents(_ path: String, limit: Int) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var contents: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while contents.count < limit {
      let count = read(descriptor, &chunk, chunk.count)
      if count <= 0 { break }
      contents += chunk[..<count]
    }
    return contents
  }
}
