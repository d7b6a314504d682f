import Synchronization

/// Where requests go, and the keys derived for its region.
final class SigningPlace: Sendable {
  let endpoint: S3Endpoint
  let cache: SigningCache

  init(_ endpoint: S3Endpoint) {
    self.endpoint = endpoint
    cache = SigningCache(region: endpoint.region, service: "s3")
  }

  func moved(to region: String) -> SigningPlace { SigningPlace(endpoint.moved(to: region)) }

  /// The place that counts now: the first one, or what a server has said since. Any thread.
  final class Current: Sendable {
    private let first: SigningPlace
    private let later = Mutex<SigningPlace?>(nil)
    /// So that a client in the right region, as nearly all are, takes no lock for it.
    private let hasMoved = Atomic<Bool>(false)

    init(_ first: SigningPlace) {
      self.first = first
    }

    var value: SigningPlace {
      get { hasMoved.load(ordering: .acquiring) ? later.withLock { $0 } ?? first : first }
      set {
        if newValue === value { return }
        later.withLock { $0 = newValue }
        hasMoved.store(true, ordering: .releasing)
      }
    }
  }
}
