import Glibc
import SlipwayModel
import TestSupport

@testable import Engine

/// A world whose workflow is a queue.
extension EngineWorld {
  func makeQueue(completed: After.Disposal? = nil, failed: After.Disposal? = nil, batch: Int? = nil) {
    set {
      $0.intake = .queue(working: directory.path("working"), batch: batch)
      $0.after = After(
        success: completed ?? .move(directory.path("completed")), failure: failed ?? .move(directory.path("failed")))
    }
  }

  /// The names in a directory, sorted; none if there is no such directory.
  func names(_ directory: String) -> [String] {
    let names = (try? self.directory.list(BytePath(directory))) ?? []
    return names.map(\.description).sorted()
  }

  func read(_ name: String) -> String? {
    guard let bytes = try? directory.read(BytePath(name)) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Holds the file as another process would; the caller closes the descriptor.
  func lock(_ name: String) -> Int32 {
    let descriptor = directory.path(name).withCString { open($0, O_RDONLY | O_CLOEXEC) }
    flock(descriptor, LOCK_EX | LOCK_NB)
    return descriptor
  }

  func failAlways(_ key: String) {
    store().fail(
      ObjectKey(key), with: Failure(.transient(retryAfter: nil), "upload", key, cause: "503"), times: .max)
  }
}

extension HookInvocation {
  func value(_ name: String) -> String? {
    environment.last { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) }
  }
}
