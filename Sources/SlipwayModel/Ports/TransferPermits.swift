/// Places for requests in flight. `ObjectStore.put` is called with one, and returns with it. Any thread.
public protocol TransferPermits: AnyObject, Sendable {
  /// Takes a place, without waiting; false if none is free, or somebody waits for it. Each one must be given back.
  func tryTake() -> Bool
  /// Waits for one, in turn with others who wait.
  nonisolated(nonsending) func acquire() async
  func giveBack()
}
