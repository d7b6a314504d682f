/// Places for requests in flight beyond the one with which `ObjectStore.put` is called. Any thread.
public protocol TransferPermits: AnyObject, Sendable {
  /// Takes a place, without waiting; false if none is free, or somebody waits for it. Each one must be given back.
  func tryTake() -> Bool
  func giveBack()
}
