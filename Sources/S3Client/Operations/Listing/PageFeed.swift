import HTTPTransport
import SlipwayModel

/// The pages of a listing, one after the other, the next one fetched while the last one is looked at.
struct PageFeed: Sendable {
  /// Ends with whoever waits for it.
  private final class Fetch: Sendable {
    let task: Task<Result<ListPage, S3Error>, Never>

    init(_ task: Task<Result<ListPage, S3Error>, Never>) {
      self.task = task
    }

    deinit { task.cancel() }
  }

  private enum State {
    case open(Fetch, token: [UInt8]?)
    case over
    case broken(S3Error)
  }

  private let client: S3Client
  private let query: ListQuery
  private var state: State?
  private var last: ObjectKey?
  private var emptyPages = 0

  /// How many pages without an entry may follow one another: a server that skips what was deleted sends some.
  private static let emptyPagesLimit = 1000

  init(_ client: S3Client, _ query: ListQuery) {
    self.client = client
    self.query = query
  }

  /// The next page's entries; nil behind the last page.
  mutating func next() async throws(S3Error) -> [ListedEntry]? {
    switch state ?? .open(fetch(nil), token: nil) {
    case .over: return nil
    case .broken(let error): throw error
    case .open(let fetch, let token):
      do throws(S3Error) {
        return try take(try await page(of: fetch), askedWith: token)
      } catch {
        state = .broken(error)
        throw error
      }
    }
  }

  /// Checks the page against those before, and begins to fetch the one behind.
  private mutating func take(_ page: ListPage, askedWith token: [UInt8]?) throws(S3Error) -> [ListedEntry] {
    if let last, let first = page.entries.first, !(last < first.key) {
      throw broken("\(first.key) does not come behind \(last)")
    }
    if let next = page.token, next == token { throw broken("a continuation token came twice") }
    emptyPages = page.entries.isEmpty ? emptyPages + 1 : 0
    if emptyPages > Self.emptyPagesLimit { throw broken("\(emptyPages) pages one after the other were empty") }
    last = page.entries.last?.key ?? last
    state = page.token.map { .open(fetch($0), token: $0) } ?? .over
    return page.entries
  }

  private func page(of fetch: Fetch) async throws(S3Error) -> ListPage {
    let task = fetch.task
    return try await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }.get()
  }

  private func fetch(_ token: [UInt8]?) -> Fetch {
    let (client, query) = (client, query)
    return Fetch(
      Task {
        do throws(S3Error) { return .success(try await client.page(query, token)) } catch { return .failure(error) }
      })
  }

  private func broken(_ what: String) -> S3Error {
    client.problem(
      .transient(retryAfter: nil), S3Client.listingObjects, nil, code: "InvalidListing",
      "the server's listing cannot be right: \(what)")
  }
}

extension S3Client {
  static let listingObjects = "list"

  /// Asks for one page.
  fileprivate func page(_ query: ListQuery, _ token: [UInt8]?) async throws(S3Error) -> ListPage {
    var request = S3Request(.get, nil, operation: Self.listingObjects)
    request.query = query.parameters(token: token)
    request.responseBodyLimit = query.answerLimit
    let response = try await sender.send(request)
    let reader = ListPageReader()
    try readAnswer(response, root: "ListBucketResult", reader, Self.listingObjects, endpoint.subject(nil))
    do throws(ListPageReader.Problem) {
      return try reader.page(for: query)
    } catch {
      throw S3Error(unreadable: error.what, response, Self.listingObjects, endpoint.subject(nil))
    }
  }
}
