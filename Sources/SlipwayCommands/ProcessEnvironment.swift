import Glibc

/// What the process was started with; read once, as no other thread may change it while it is read.
enum ProcessEnvironment {
  static let bytes: [String: [UInt8]] = {
    var variables: [String: [UInt8]] = [:]
    var entry = environ
    while let text = entry.pointee {
      let bytes = Array(UnsafeBufferPointer(start: text, count: strlen(text))).map { UInt8(bitPattern: $0) }
      if let equals = bytes.firstIndex(of: UInt8(ascii: "=")) {
        variables[String(decoding: bytes[..<equals], as: UTF8.self)] = Array(bytes[(equals + 1)...])
      }
      entry += 1
    }
    return variables
  }()

  static let text: [String: String] = bytes.mapValues { String(decoding: $0, as: UTF8.self) }

  /// PEM certificates that are trusted in place of the system's.
  static var caBundle: String? { text["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 } }

  /// `{host}` in templates.
  static let host: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()
}
