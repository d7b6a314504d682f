import SlipwayModel

/// The objects of a plugin in byte order of their keys, page by page. Where the plugin lists in no order, all of them are
/// read and sorted first, up to a limit.
struct PluginWalk: ObjectWalk {
  private let connection: PluginConnection
  private let prefix: ObjectKey
  private var page: [ListedObject] = []
  private var position = 0
  private var place: String?
  private var isOver = false
  private var last: ObjectKey?
  private var pages = 0

  /// What a page is asked to hold at the most.
  static let pageSize = 1_000
  /// So many objects without order are sorted in memory.
  static let unorderedMax = 100_000
  /// So many pages without an object, one after the other.
  static let emptyPagesMax = 100

  init(_ connection: PluginConnection, _ prefix: ObjectKey) {
    self.connection = connection
    self.prefix = prefix
  }

  mutating func next() async throws(Failure) -> ListedObject? {
    while position == page.count, !isOver { try await refill() }
    guard position < page.count else { return nil }
    position += 1
    return page[position - 1]
  }

  private mutating func refill() async throws(Failure) {
    let (objects, isSorted) = try await turn()
    guard isSorted else { return try await refillUnordered(objects) }
    for object in objects {
      if let last, !(last < object.key) { throw wrong("it is out of order at '\(object.key)'") }
      last = object.key
    }
    (page, position) = (objects, 0)
  }

  private mutating func refillUnordered(_ first: [ListedObject]) async throws(Failure) {
    var objects = first
    while !isOver {
      objects += try await turn().objects
      guard objects.count <= Self.unorderedMax else {
        throw wrong("it has no order and more than \(Self.unorderedMax) objects")
      }
    }
    objects.sort { $0.key < $1.key }
    for (object, next) in zip(objects, objects.dropFirst()) where object.key == next.key {
      throw wrong("it has '\(object.key)' twice")
    }
    (page, position) = (objects, 0)
  }

  /// Reads the next page.
  private mutating func turn() async throws(Failure) -> (objects: [ListedObject], isSorted: Bool) {
    let answer = try await connection.ask(PluginRequest.list(under: prefix, next: place, limit: Self.pageSize))
    guard let objects = answer.objects else { throw wrong("the plugin's answer cannot be understood") }
    for object in objects where !object.key.bytes.starts(with: prefix.bytes) {
      throw wrong("'\(object.key)' does not lie there")
    }
    place = answer.text("next")
    isOver = place == nil
    pages = objects.isEmpty ? pages + 1 : 0
    guard pages < Self.emptyPagesMax else { throw wrong("there are \(pages) empty pages in a row") }
    return (objects, connection.greeting?.listsInOrder == true)
  }

  private func wrong(_ cause: String) -> Failure {
    Failure(
      .permanent, "list", connection.subject(PluginRequest.list(under: prefix, next: nil, limit: 0)),
      code: "BadListing", cause: cause)
  }
}
