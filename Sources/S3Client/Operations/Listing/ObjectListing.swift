import SlipwayModel

/// The objects of a bucket in byte order of their keys, page by page as they are asked for.
///
/// One page is held and at most one more fetched ahead, whatever the bucket's size. Keys come strictly ascending; an
/// answer out of order, a page that cannot be read, a token that comes twice is an error and never the end. After an
/// error every further call throws it again. Each iterator asks anew.
public struct ObjectListing: AsyncSequence, Sendable {
  public typealias Element = ListedEntry
  public typealias Failure = S3Error

  let client: S3Client
  let query: ListQuery

  public func makeAsyncIterator() -> Iterator { Iterator(client, query) }

  /// For one task at a time. Cancelling that task, or letting the iterator go, ends what is fetched ahead.
  public struct Iterator: AsyncIteratorProtocol, Sendable {
    private var pages: PageFeed
    private var page: [ListedEntry] = []
    private var position = 0

    init(_ client: S3Client, _ query: ListQuery) {
      pages = PageFeed(client, query)
    }

    /// The next entry, nil at the end of the bucket.
    public mutating func next() async throws(S3Error) -> ListedEntry? {
      while position == page.count {
        guard let next = try await pages.next() else { return nil }
        page = next
        position = 0
      }
      position += 1
      return page[position - 1]
    }
  }
}

extension S3Client {
  /// Lists the bucket's objects whose keys begin with `prefix` and come behind `start`, by 1,000 a request. With a
  /// delimiter, keys that have it behind the prefix are told once, by what they have in common up to there. Sends
  /// nothing itself. Any task. (Amazon S3 API Reference, ListObjectsV2.)
  public func listObjects(
    under prefix: ObjectKey = ObjectKey([]), after start: ObjectKey? = nil, delimiter: String = ""
  ) -> ObjectListing {
    ObjectListing(client: self, query: ListQuery(prefix: prefix, after: start, delimiter: delimiter))
  }
}
