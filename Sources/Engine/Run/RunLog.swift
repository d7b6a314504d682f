import Logging
import SlipwayModel

/// The log of one run: a logger whose lines name the run, made when it has something to say. Of most runs of many nothing
/// is said.
struct RunLog: Sendable {
  let base: Logger
  let run: RunID
  let tree: TreeID

  var logger: Logger {
    var logger = base
    logger[metadataKey: "workflow"] = "\(tree.workflow)"
    logger[metadataKey: "run"] = "\(run)"
    logger[metadataKey: "tree"] = "\(tree.path)"
    return logger
  }

  /// Costs next to nothing where nobody wants to know.
  func debug(_ message: @autoclosure () -> Logger.Message, metadata: @autoclosure () -> Logger.Metadata? = nil) {
    if base.logLevel <= .debug { logger.debug(message(), metadata: metadata()) }
  }
}
