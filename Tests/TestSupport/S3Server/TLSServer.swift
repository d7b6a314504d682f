import Foundation
import SlipwayModel

/// `openssl s_server` with a certificate of its own making.
package final class TLSServer {
  package let url: String
  /// The path of its certificate, which is its own authority.
  package let certificate: String
  private let directory: String
  private let process = Process()

  /// `name` is what the certificate is for: `IP:127.0.0.1`.
  package init(name: String, isExpired: Bool = false) throws {
    directory = NSTemporaryDirectory() + "slipway-tls-" + UUID().uuidString
    certificate = directory + "/certificate.pem"
    let key = directory + "/key.pem"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let request = directory + "/request.pem"
    try Self.openssl([
      "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=slipway test",
      "-addext", "subjectAltName=\(name)", "-keyout", key, "-out", request,
    ])
    try Self.openssl([
      "x509", "-req", "-in", request, "-signkey", key, "-copy_extensions", "copy", "-days", isExpired ? "-1" : "2",
      "-out", certificate,
    ])

    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: Self.program)
    process.arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !(text.contains("ACCEPT 127.0.0.1:") && text.hasSuffix("\n")) {
      let piece = output.fileHandleForReading.availableData
      guard !piece.isEmpty else { throw Failure(.permanent, "start", "openssl s_server", cause: "it has ended") }
      text += String(decoding: piece, as: UTF8.self)
    }
    let port = text.split(separator: "ACCEPT 127.0.0.1:")[1].prefix { $0.isNumber }
    url = "https://127.0.0.1:\(port)/"
  }

  private static let program = "/usr/bin/openssl"

  private static func openssl(_ arguments: [String]) throws {
    let maker = Process()
    maker.executableURL = URL(fileURLWithPath: program)
    maker.arguments = arguments
    maker.standardError = FileHandle.nullDevice
    try maker.run()
    maker.waitUntilExit()
  }

  deinit {
    // Not TERM: a child inherits the signals that the thread which starts it blocks, and Dispatch's threads block that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    // The directory is the test's own; what is left of it harms nobody.
    try? FileManager.default.removeItem(atPath: directory)
  }
}
