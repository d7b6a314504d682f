import SlipwayModel

/// What a server's `<Error>` says; whatever it leaves out is empty. All of it was chosen by the other side.
struct ErrorAnswer: Hashable {
  var code = ""
  var message = ""
  var requestID = ""
  var region = ""

  /// An error of one key among several.
  init(code: [UInt8], message: [UInt8]) {
    self.code = ErrorAnswer.token(code)
    self.message = escaped(message.prefix(Self.messageLimit))
  }

  /// nil if the bytes are not the beginning of an `<Error>`: a proxy's HTML, a truncated status line. Some servers say
  /// again what was sent: the session token, `token`, is not told.
  init?(_ body: [UInt8], hiding token: Secret? = nil) {
    let reader = Reader()
    // Whatever was said before the text ended or broke still counts.
    do throws(AnswerProblem) { try AnswerParser(reader).read(body, isLast: true) } catch {}
    guard reader.isError else { return nil }
    if let token { reader.hide(Array(token.reveal().utf8)) }
    code = ErrorAnswer.token(reader.values["Code"])
    requestID = ErrorAnswer.token(reader.values["RequestId"])
    region = ErrorAnswer.token(reader.values["Region"])
    message = escaped((reader.values["Message"] ?? []).prefix(Self.messageLimit))
  }

  /// In bytes.
  static let messageLimit = 300
  static let tokenLimit = 64

  /// A name such as codes and request IDs are; empty if it is anything else.
  static func token(_ bytes: (some Collection<UInt8>)?) -> String {
    guard let bytes, bytes.count <= tokenLimit else { return "" }
    let isToken = bytes.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x2F || byte == 0x2B || byte == 0x3D
    }
    return isToken ? String(decoding: bytes, as: UTF8.self) : ""
  }

  private final class Reader: AnswerHandler {
    private(set) var isError = false
    private(set) var values: [String: [UInt8]] = [:]
    private static let wanted: Set<String> = ["Code", "Message", "RequestId", "Region"]

    func hide(_ secret: [UInt8]) {
      if secret.isEmpty { return }
      values = values.mapValues { $0.replacing(secret, with: Array("***".utf8)) }
    }

    func begin(_ name: String, depth: Int) {
      if depth == 1 { isError = name == "Error" }
    }

    func end(_ name: String, text: [UInt8], depth: Int) {
      if isError, depth == 2, Self.wanted.contains(name), values[name] == nil { values[name] = text }
    }
  }
}
