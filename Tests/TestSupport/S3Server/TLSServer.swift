import Foundation
import SlipwayModel

/// `openssl s_server` with a certificate of its own making.
package final class TLSServer {
  package let url: String
  /// The path of its certificate, which is its own authority.
  package let certificate: String
  private let directory: String
  private let program: Program

  /// `name` is what the certificate is for: `IP:127.0.0.1`.
  package init(name: String, isExpired: Bool = false) async throws {
    directory = NSTemporaryDirectory() + "slipway-tls-" + UUID().uuidString
    certificate = directory + "/certificate.pem"
    let key = directory + "/key.pem"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let request = directory + "/request.pem"
    try await Self.openssl([
      "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=slipway test",
      "-addext", "subjectAltName=\(name)", "-keyout", key, "-out", request,
    ])
    try await Self.openssl([
      "x509", "-req", "-in", request, "-signkey", key, "-copy_extensions", "copy", "-days", isExpired ? "-1" : "2",
      "-out", certificate,
    ])

    let arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"]
    program = try Program(Program.Launch([Self.path] + arguments))
    guard let text = await program.line(containing: "ACCEPT 127.0.0.1:") else {
      throw Failure(.permanent, "start", "openssl s_server", cause: program.transcript)
    }
    let port = text.split(separator: ":").last ?? ""
    url = "https://127.0.0.1:\(port)/"
  }

  private static let path = "/usr/bin/openssl"

  private static func openssl(_ arguments: [String]) async throws {
    let program = try Program(Program.Launch([path] + arguments))
    guard await program.end() == .exited(0) else {
      throw Failure(.permanent, "run", "openssl \(arguments[0])", cause: program.transcript)
    }
  }

  deinit {
    program.signal(SIGKILL)
    // The directory is the test's own; what is left of it harms nobody.
    try? FileManager.default.removeItem(atPath: directory)
  }
}
