import Glibc
import S3Client

/// How much this machine's kernel lets one user watch (inotify(7)).
struct WatchLimits {
  /// With fewer a large tree of directories cannot be watched whole.
  private static let watchesMin = 65_536
  private static let instancesMin = 16

  var findings: [CheckFinding] {
    [
      finding("max_user_watches", "directories can be watched", Self.watchesMin),
      finding("max_user_instances", "programs of one user can watch", Self.instancesMin),
    ].compactMap { $0 }
  }

  /// nil where the kernel does not tell.
  private func finding(_ name: String, _ meaning: String, _ minimum: Int) -> CheckFinding? {
    guard let value = Self.value("/proc/sys/fs/inotify/\(name)") else { return nil }
    if value >= minimum { return CheckFinding(.ok, "inotify", "\(value) \(meaning)") }
    return CheckFinding(
      .note, "inotify", "only \(value) \(meaning)", remedy: "sysctl fs.inotify.\(name)=\(minimum * 8) allows more")
  }

  private static func value(_ path: String) -> Int? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 32)
    guard fgets(&line, Int32(line.count), file) != nil else { return nil }
    return Int(String(decoding: line.prefix { $0 != 0 && $0 != 0x0A }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}
