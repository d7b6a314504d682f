/// How often a plugin is started again, and how much is borne with.
struct PluginPace: Sendable {
  /// So many requests in a row that are not answered in time, and the process is ended.
  var hangsMax = 3
  /// So many ends without an answer between them, and what waits is told that the plugin is not there.
  var deathsMax = 3
  /// So many requests that nobody waits for any more, and the process is ended.
  var lateMax = 64
  /// So many answers in a row that nobody waits for.
  var surplusMax = 1_000
  /// For the answer to `hello`: a start takes its own time.
  var helloLimit = Duration.seconds(30)
  /// From the first rest on they double.
  var restMin = Duration.milliseconds(100)
  var restMax = Duration.seconds(10)

  /// Before the start after so many ends in a row: none after the first.
  func rest(after deaths: Int) -> Duration {
    deaths < 2 ? .zero : min(restMax, restMin * (1 << min(deaths - 2, 16)))
  }
}
