import SlipwayModel

/// What an event source has told of itself. Pure.
struct WatchTroubles {
  private struct Trouble {
    var isGone = false
    var polled = 0
    var why = ""
  }

  private var troubles: [BytePath: Trouble] = [:]
  private(set) var losses = 0

  mutating func note(_ event: TreeEvent) {
    switch event {
    case .name: break
    case .lost(let watch, let failure):
      losses += 1
      troubles[watch, default: Trouble()].why = failure.message
    case .polled(let watch, let count): troubles[watch, default: Trouble()].polled = count
    case .gone(let watch): troubles[watch, default: Trouble()].isGone = true
    case .listed(let watch): troubles[watch]?.isGone = false
    }
  }

  var watches: [Health.Watch] {
    troubles.filter { $0.value.isGone || $0.value.polled > 0 }.sorted { $0.key < $1.key }.map { path, trouble in
      Health.Watch(path: path, isGone: trouble.isGone, polled: trouble.polled, why: trouble.why)
    }
  }
}
