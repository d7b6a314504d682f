import Foundation
import FoundationXML

/// A request's XML as libxml2 reads it: strictly by XML 1.0.
struct RequestDocument {
  /// The text of each element that holds no other, with the names that lead to it: `Delete/Object/Key`.
  let texts: [(path: String, text: String)]

  /// Throws what S3 answers to a body that is no XML.
  init(_ body: [UInt8]) throws(S3Error) {
    let reader = Reader()
    let parser = XMLParser(data: Data(body))
    parser.delegate = reader
    guard parser.parse() else { throw S3Error(400, "MalformedXML") }
    texts = reader.texts
  }

  func all(_ path: String) -> [String] { texts.filter { $0.path == path }.map(\.text) }

  private final class Reader: NSObject, XMLParserDelegate {
    var texts: [(path: String, text: String)] = []
    private var names: [String] = []
    private var text = ""
    private var isLeaf = false

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      names.append(name)
      text = ""
      isLeaf = true
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
      if isLeaf { texts.append((names.joined(separator: "/"), text)) }
      isLeaf = false
      names.removeLast()
    }
  }
}
