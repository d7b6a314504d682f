import SlipwayModel

/// Reads an answer that is a flat list: a root, values directly in it, and records, each with values of its own.
final class RecordReader: AnswerHandler {
  private let root: String
  private let record: String
  /// Records of more than this are an error: no page of an answer has so many.
  private let recordLimit: Int
  private(set) var values: [String: [UInt8]] = [:]
  private(set) var records: [[String: [UInt8]]] = []
  private var isRoot = false
  private var current: [String: [UInt8]]?
  private var hasEnded = false
  private var isTooLong = false

  init(root: String, record: String, recordLimit: Int) {
    self.root = root
    self.record = record
    self.recordLimit = recordLimit
  }

  /// False unless `body` is the whole of an answer with this root.
  func read(_ body: [UInt8]) -> Bool {
    do throws(AnswerProblem) { try AnswerParser(self).read(body, isLast: true) } catch { return false }
    return hasEnded && !isTooLong
  }

  func text(_ name: String) -> String { String(decoding: values[name] ?? [], as: UTF8.self) }

  func begin(_ name: String, depth: Int) {
    if depth == 1 { isRoot = name == root }
    if depth == 2, name == record { current = [:] }
  }

  func end(_ name: String, text: [UInt8], depth: Int) {
    guard isRoot else { return }
    switch depth {
    case 1: hasEnded = true
    case 2 where name == record:
      if records.count < recordLimit, let current { records.append(current) } else { isTooLong = true }
      current = nil
    case 2: values[name] = text
    case 3 where current != nil: current?[name] = text
    default: break
    }
  }
}
