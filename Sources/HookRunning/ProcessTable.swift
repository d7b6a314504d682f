import Glibc

/// A process as /proc/PID/stat tells it (proc_pid_stat(5)).
struct ProcessEntry: Hashable {
  let pid: pid_t
  let parent: pid_t
  let group: pid_t
  let session: pid_t
  /// Clock ticks since the start of the machine.
  let began: UInt64
  let isZombie: Bool

  /// nil if no such process is left.
  init?(pid: pid_t) {
    guard let line = ProcessTable.contents("/proc/\(pid)/stat", limit: 4096) else { return nil }
    // The name in parentheses may itself contain anything, `)` too.
    guard let end = line.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = line[(end + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    guard fields.count > 19, let parent = pid_t(fields[1]), let group = pid_t(fields[2]),
      let session = pid_t(fields[3]), let began = UInt64(fields[19])
    else { return nil }
    self.pid = pid
    self.parent = parent
    self.group = group
    self.session = session
    self.began = began
    isZombie = fields[0] == "Z" || fields[0] == "X"
  }
}

/// Questions to /proc. All of them block for as long as the kernel takes.
enum ProcessTable {
  /// The children of this process, adopted ones too.
  ///
  /// The kernel may leave one out where others are reaped while it is read, so it is read twice.
  static func children() -> Set<pid_t> {
    guard let first = childrenByThread(), let second = childrenByThread() else {
      let parent = getpid()
      return Set(everyone().filter { $0.parent == parent }.map(\.pid))
    }
    return first.union(second)
  }

  /// All processes below one, at any depth, without itself.
  static func descendants(of ancestor: pid_t) -> [ProcessEntry] {
    let byParent = Dictionary(grouping: everyone(), by: \.parent)
    var found: [ProcessEntry] = []
    var pending = [ancestor]
    // A process that is reparented while the table is read could close a circle.
    var seen: Set<pid_t> = [ancestor]
    while let parent = pending.popLast() {
      for child in byParent[parent] ?? [] where seen.insert(child.pid).inserted {
        found.append(child)
        pending.append(child.pid)
      }
    }
    return found
  }

  /// What a variable of the environment is that a process was started with.
  enum Variable {
    case value([UInt8])
    /// Also where it cannot be read.
    case unset
    /// execve(2) is under way: its new memory is in place, and has neither arguments nor environment yet.
    case unknown
  }

  static func variable(_ name: String, of pid: pid_t) -> Variable {
    guard let block = environment(of: pid) else { return .unknown }
    let start = Array("\(name)=".utf8)
    let entry = block.split(separator: 0).first { $0.starts(with: start) }
    return entry.map { .value(Array($0.dropFirst(start.count))) } ?? .unset
  }

  /// nil while the process is just being executed.
  private static func environment(of pid: pid_t) -> [UInt8]? {
    // Where there are arguments after all the environment has come with them: it is read once more.
    for _ in 0..<2 {
      let block = contents("/proc/\(pid)/environ", limit: environmentLimit)
      if block?.isEmpty == false { return block }
      if contents("/proc/\(pid)/cmdline", limit: 1)?.isEmpty == true { return nil }
    }
    return []
  }

  /// A quarter of the default stack limit is what execve(2) allows for arguments and environment together.
  private static let environmentLimit = 2 * 1024 * 1024
  /// The longest list of children of one thread that is read, in bytes.
  private static let childrenLimit = 1024 * 1024

  /// nil on a kernel without CONFIG_PROC_CHILDREN.
  private static func childrenByThread() -> Set<pid_t>? {
    var children: Set<pid_t> = []
    var isSupported = false
    for thread in numbers(in: "/proc/self/task") {
      guard let list = contents("/proc/self/task/\(thread)/children", limit: childrenLimit) else { continue }
      isSupported = true
      for number in list.split(separator: UInt8(ascii: " ")) {
        if let pid = pid_t(String(decoding: number, as: UTF8.self)) { children.insert(pid) }
      }
    }
    return isSupported ? children : nil
  }

  private static func everyone() -> [ProcessEntry] {
    numbers(in: "/proc").compactMap(ProcessEntry.init(pid:))
  }

  /// The entries of a directory whose names are numbers.
  private static func numbers(in directory: String) -> [pid_t] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var found: [pid_t] = []
    while let entry = readdir(stream) {
      let number = withUnsafeBytes(of: entry.pointee.d_name) { name in
        pid_t(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
      }
      if let number { found.append(number) }
    }
    return found
  }

  static func contents(_ path: String, limit: Int) -> [UInt8]? {
    guard let file = Descriptor.open(Array(path.utf8), O_RDONLY) else { return nil }
    defer { file.close() }
    var contents: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while contents.count < limit {
      let count = read(file.number, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      // A process that is gone by now answers ESRCH.
      if count < 0 { return nil }
      if count == 0 { break }
      contents.append(contentsOf: chunk[..<count])
    }
    return contents
  }
}
