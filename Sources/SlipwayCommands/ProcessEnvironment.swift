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

  /// A command-line argument as the bytes that were given: in its text what is not UTF-8 has been replaced.
  static func argument(_ text: String) -> [UInt8] {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[index] else { continue }
      let bytes = Array(UnsafeBufferPointer(start: argument, count: strlen(argument))).map { UInt8(bitPattern: $0) }
      if String(decoding: bytes, as: UTF8.self).utf8.elementsEqual(text.utf8) { return bytes }
    }
    return Array(text.utf8)
  }

  /// PEM certificates that are trusted in place of the system's.
  static var caBundle: String? { text["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 } }

  /// `{host}` in templates.
  static let host: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()
}
