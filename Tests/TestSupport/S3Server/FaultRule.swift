/// What goes wrong with which request. Rules are asked in order; the first that fires decides.
package struct FaultRule: Sendable {
  /// Which requests the rule is about; nil stands for any.
  package struct Match: Sendable {
    package var method: String?
    package var keyPrefix: [UInt8]?
    /// A name in the query: `uploads`, `partNumber`, `list-type`.
    package var queryName: String?
    /// Of a header, in lowercase.
    package var headerName: String?
    /// Of the requests that match, counted from 1, those in this range.
    package var occurrences: ClosedRange<Int>

    package init(
      method: String? = nil, keyPrefix: String? = nil, queryName: String? = nil, headerName: String? = nil,
      occurrences: ClosedRange<Int> = 1...Int.max
    ) {
      self.method = method
      self.keyPrefix = keyPrefix.map { Array($0.utf8) }
      self.queryName = queryName
      self.headerName = headerName
      self.occurrences = occurrences
    }

    func covers(_ request: RecordedRequest) -> Bool {
      if let method, method != request.method { return false }
      if let keyPrefix, !request.key.starts(with: keyPrefix) { return false }
      if let queryName, request.queryValue(queryName) == nil { return false }
      if let headerName, request.header(headerName) == nil { return false }
      return true
    }
  }

  /// Where in a request's life something happens. The effect is what the request asks for.
  package enum Moment: Sendable {
    /// The body has not been read.
    case beforeBody
    case beforeEffect
    /// Stored, but nobody was told.
    case afterEffect
  }

  package enum Action: Sendable {
    /// This answer instead of the effect; with an S3 error document if `code` is not empty.
    case answer(status: Int, code: String, headers: [String: String] = [:])
    /// No effect; an error document whose message says the request's credentials again, as those who look for what went
    /// wrong with a signature would have it.
    case echo(status: Int)
    /// The effect, then this answer.
    case answerAfterEffect(status: Int, code: String)
    /// The connection is reset (RST).
    case reset(Moment)
    /// Nothing more is read or said on this connection, which stays open until the client or `stop` closes it.
    case stall(Moment)
    /// The answer, at this rate.
    case slowAnswer(bytesPerSecond: Int)
    /// The body is read at this rate.
    case slowRead(bytesPerSecond: Int)
    /// Waits first, then does what it should.
    case delay(Duration)
    /// Stores the right bytes and answers this ETag.
    case wrongETag(String)
    /// Stores bytes with one bit turned, and answers what they have.
    case corrupt
    /// The effect; the first half of the right body, as if it were the whole.
    case truncatedBody
    /// The effect; the answer breaks off in the body, against its Content-Length.
    case cutAnswer
    /// The effect; the page of a proxy instead of the answer.
    case html(status: Int)
    /// No effect; status 200, white space, then an error document: as CompleteMultipartUpload may answer.
    case errorIn200(code: String)
    /// The right answer, which promises keep-alive; then the connection is closed.
    case closeAfterAnswer
  }

  package let match: Match
  package let action: Action

  package init(_ match: Match, _ action: Action) {
    self.match = match
    self.action = action
  }

  /// A rule for the first request of this method (below a key prefix), or the first `times` of them.
  package static func first(
    _ method: String, _ keyPrefix: String = "", times: Int = 1, _ action: Action
  ) -> FaultRule {
    FaultRule(Match(method: method, keyPrefix: keyPrefix, occurrences: 1...times), action)
  }

  /// A rule for every request of this method.
  package static func every(_ method: String, _ keyPrefix: String = "", _ action: Action) -> FaultRule {
    FaultRule(Match(method: method, keyPrefix: keyPrefix), action)
  }
}

/// The rules with what they have seen.
struct FaultScript {
  private var rules: [(rule: FaultRule, seen: Int)] = []

  mutating func append(_ rules: [FaultRule]) {
    self.rules += rules.map { ($0, 0) }
  }

  mutating func removeAll() {
    rules = []
  }

  /// What is to happen to this request. Every rule that covers it counts it, whether or not it is the one that fires.
  mutating func action(for request: RecordedRequest) -> FaultRule.Action? {
    var firing: FaultRule.Action?
    for index in rules.indices where rules[index].rule.match.covers(request) {
      rules[index].seen += 1
      guard firing == nil, rules[index].rule.match.occurrences.contains(rules[index].seen) else { continue }
      firing = rules[index].rule.action
    }
    return firing
  }
}
