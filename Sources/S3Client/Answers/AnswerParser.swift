import CLibexpat
import SlipwayModel

/// What an answer's XML is told to, element by element.
protocol AnswerHandler: AnyObject {
  /// `depth` is 1 for the root.
  func begin(_ name: String, depth: Int)
  /// `text` is what stood directly in the element.
  func end(_ name: String, text: [UInt8], depth: Int)
}

/// Why an answer's XML was not read to its end.
enum AnswerProblem: Error, Hashable {
  case malformed
  /// A document type could define entities, and no answer of S3 has one.
  case documentType
  case tooDeep
  case tooLong
}

/// A streaming parser of a server's answers. Memory is bounded by one element's text. For one thread at a time.
final class AnswerParser {
  /// How deep elements may lie in one another.
  static let depthLimit = 16
  /// The text of one element, in bytes.
  static let textLimit = 64 * 1024
  /// An element's name, in bytes.
  static let nameLimit = 256

  private let parser: XML_Parser?
  private let handler: any AnswerHandler
  private var depth = 0
  /// The text so far of each open element, the innermost last.
  private var texts: [[UInt8]] = []
  private var problem: AnswerProblem?

  init(_ handler: any AnswerHandler) {
    self.handler = handler
    parser = XML_ParserCreate("UTF-8")
    XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    XML_SetElementHandler(parser, beginElement, endElement)
    XML_SetCharacterDataHandler(parser, addText)
    XML_SetStartDoctypeDeclHandler(parser, refuseDocumentType)
  }

  deinit {
    XML_ParserFree(parser)
  }

  /// Reads the next piece, the last one if `isLast`. After a problem every call throws.
  func read(_ bytes: [UInt8], isLast: Bool) throws(AnswerProblem) {
    if let problem { throw problem }
    let status = bytes.withUnsafeBytes { buffer in
      XML_Parse(
        parser, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: buffer.count), isLast ? 1 : 0)
    }
    guard status != XML_STATUS_OK else { return }
    let found = problem ?? .malformed
    problem = found
    throw found
  }

  fileprivate func begin(_ name: UnsafePointer<XML_Char>?) {
    depth += 1
    if depth > Self.depthLimit { return stop(.tooDeep) }
    texts.append([])
    guard let name = text(of: name) else { return }
    handler.begin(name, depth: depth)
  }

  fileprivate func end(_ name: UnsafePointer<XML_Char>?) {
    guard problem == nil, let name = text(of: name), let text = texts.popLast() else { return }
    handler.end(name, text: text, depth: depth)
    depth -= 1
  }

  fileprivate func add(_ bytes: UnsafeRawBufferPointer) {
    guard problem == nil, !texts.isEmpty else { return }
    if texts[texts.count - 1].count + bytes.count > Self.textLimit { return stop(.tooLong) }
    texts[texts.count - 1].append(contentsOf: bytes)
  }

  fileprivate func stop(_ problem: AnswerProblem) {
    if self.problem == nil { self.problem = problem }
    XML_StopParser(parser, XML_Bool(0))
  }

  private func text(of name: UnsafePointer<XML_Char>?) -> String? {
    guard let name else { return nil }
    let text = String(cString: name)
    if text.utf8.count <= Self.nameLimit { return text }
    stop(.tooLong)
    return nil
  }
}

// What expat calls, from within `read`: the parser is alive then.

private func beginElement(
  _ user: UnsafeMutableRawPointer?, _ name: UnsafePointer<XML_Char>?,
  _ attributes: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?
) {
  answerParser(user)?.begin(name)
}

private func endElement(_ user: UnsafeMutableRawPointer?, _ name: UnsafePointer<XML_Char>?) {
  answerParser(user)?.end(name)
}

private func addText(_ user: UnsafeMutableRawPointer?, _ text: UnsafePointer<XML_Char>?, _ count: Int32) {
  answerParser(user)?.add(UnsafeRawBufferPointer(start: text, count: Int(count)))
}

private func refuseDocumentType(
  _ user: UnsafeMutableRawPointer?, _ name: UnsafePointer<XML_Char>?, _ system: UnsafePointer<XML_Char>?,
  _ publicID: UnsafePointer<XML_Char>?, _ hasSubset: Int32
) {
  answerParser(user)?.stop(.documentType)
}

private func answerParser(_ user: UnsafeMutableRawPointer?) -> AnswerParser? {
  user.map { Unmanaged<AnswerParser>.fromOpaque($0).takeUnretainedValue() }
}
