/// How often is listed what no event tells.
package struct WatchPace: Sendable {
  /// Everything, events or not.
  package let rescan: Duration
  /// Directories without a watch, those of which events do not tell all, and those that could not be listed.
  package let poll: Duration

  package init(rescan: Duration = .seconds(3600), poll: Duration = .seconds(10)) {
    self.rescan = rescan
    self.poll = poll
  }
}
