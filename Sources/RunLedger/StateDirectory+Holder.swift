import Glibc
import SlipwayModel

extension StateDirectory {
  /// The process that holds the lock of the state directory `path`; nil if none does, or if the kernel does not tell.
  /// Takes no lock, not even for a moment: a process that starts just then would be refused.
  package static func holder(of path: BytePath) -> pid_t? {
    let lock = open(path.appending(lockName).text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard lock >= 0 else { return nil }
    defer { close(lock) }
    var status = stat()
    guard fstat(lock, &status) == 0, let pid = pid_t(readPID(lock)) else { return nil }
    return isHeld(inode: UInt64(status.st_ino), by: pid, locks: contents(of: "/proc/locks")) ? pid : nil
  }

  /// Whether `locks` (proc_locks(5)) tells of this process's flock on a file with this inode. The device that stands
  /// there is not always the one that stat(2) tells, so the file's own word for who holds it stands for that.
  static func isHeld(inode: UInt64, by pid: pid_t, locks: String) -> Bool {
    locks.split(separator: "\n").contains { line in
      // `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`; one that waits for its lock has an arrow behind the colon.
      let words = line.split(separator: " ")
      return words.count >= 6 && words[1] == "FLOCK" && pid_t(words[4]) == pid
        && words[5].split(separator: ":").last.flatMap { UInt64($0) } == inode
    }
  }

  private static func contents(of file: String) -> String {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }
}
