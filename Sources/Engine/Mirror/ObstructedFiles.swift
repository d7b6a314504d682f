import SlipwayModel
import Synchronization

/// Files that a destination has no room for before it has lost what the tree has lost. Any task.
final class ObstructedFiles: Sendable {
  private let state = Mutex<(scope: MirrorScope, failure: Failure)?>(nil)

  func add(_ path: BytePath, _ failure: Failure) {
    state.withLock { state in
      if state == nil { state = (.parts([path]), failure) } else { state?.scope.formUnion(.parts([path])) }
    }
  }

  var scope: MirrorScope? { state.withLock { $0?.scope } }
  /// That of the first one.
  var failure: Failure? { state.withLock { $0?.failure } }
}
