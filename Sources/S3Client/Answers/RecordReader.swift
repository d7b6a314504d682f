import HTTPTransport
import SlipwayModel

/// Reads an answer that is a flat list: values directly in its root, and records, each with values of its own.
final class RecordReader: AnswerHandler {
  private let record: String
  private let recordLimit: Int
  private(set) var values: [String: [UInt8]] = [:]
  private(set) var records: [[String: [UInt8]]] = []
  private var current: [String: [UInt8]]?
  fileprivate private(set) var isTooLong = false

  fileprivate init(record: String, recordLimit: Int) {
    self.record = record
    self.recordLimit = recordLimit
  }

  func text(_ name: String) -> String { String(decoding: values[name] ?? [], as: UTF8.self) }

  func begin(_ name: String, depth: Int) {
    if depth == 2, name == record { current = [:] }
  }

  func end(_ name: String, text: [UInt8], depth: Int) {
    switch depth {
    case 2 where name == record:
      if records.count < recordLimit, let current { records.append(current) } else { isTooLong = true }
      current = nil
    case 2: values[name] = text
    case 3 where current != nil: current?[name] = text
    default: break
    }
  }
}

extension S3Client {
  /// Reads an answer about `key`, or about the bucket for nil. Throws unless it is the whole of one with this root, and
  /// where it has more than `limit` elements `record`: no page of an answer has so many.
  func read(
    _ response: HTTPResponse, _ root: String, records record: String = "", limit: Int = 0, _ key: ObjectKey?,
    _ operation: String
  ) throws(S3Error) -> RecordReader {
    let reader = RecordReader(record: record, recordLimit: limit)
    try readAnswer(response, root: root, reader, operation, endpoint.subject(key))
    if reader.isTooLong { throw unreadable("it has more than \(limit) entries", response, key, operation) }
    return reader
  }

  /// A success that does not say what it should; see `S3Error.init(unreadable:)`.
  func unreadable(
    _ what: String, _ response: HTTPResponse, _ key: ObjectKey?, _ operation: String
  ) -> S3Error {
    S3Error(unreadable: what, response, operation, endpoint.subject(key))
  }
}
