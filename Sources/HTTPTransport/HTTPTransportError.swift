import SlipwayModel

/// Why there is no answer to a request.
package struct HTTPTransportError: Error, Sendable, Hashable {
  package enum Reason: String, Sendable, Hashable {
    case hostNotFound = "HostNotFound"
    case connectionRefused = "ConnectionRefused"
    case connectionLost = "ConnectionLost"
    case connectTimeout = "ConnectTimeout"
    case stalled = "Stalled"
    case untrustedServer = "UntrustedServer"
    case unusableCABundle = "UnusableCABundle"
    case handshakeFailed = "TLSHandshakeFailed"
    /// The file that was being sent ended before its part did.
    case sourceChanged = "SourceChanged"
    case sourceUnreadable = "SourceUnreadable"
    case responseTooLarge = "ResponseTooLarge"
    case notHTTP = "NotHTTP"
    case invalidRequest = "InvalidRequest"
    case cancelled = "Cancelled"
    case shutDown = "ShutDown"
    case other = "TransferFailed"
  }

  package let reason: Reason
  /// What libcurl or the kernel said of it, escaped; may be empty.
  package let detail: String

  package init(_ reason: Reason, detail: String = "") {
    self.reason = reason
    self.detail = detail
  }

  package var code: String { reason.rawValue }

  package var kind: Failure.Kind {
    switch reason {
    case .untrustedServer, .unusableCABundle: .blocked
    case .invalidRequest: .permanent
    default: .transient(retryAfter: nil)
    }
  }

  /// One clause.
  package var cause: String { detail.isEmpty ? summary : "\(summary) (\(detail))" }

  package var remedy: String {
    switch reason {
    case .untrustedServer:
      "name the certificate authority's file in AWS_CA_BUNDLE, or correct the endpoint's host name"
    case .unusableCABundle: "correct AWS_CA_BUNDLE: it must name a readable file of PEM certificates"
    default: ""
    }
  }

  /// As every port tells it.
  package func failure(_ operation: String, _ subject: String) -> Failure {
    Failure(kind, operation, subject, code: code, cause: cause, remedy: remedy, isUnreachable: isUnreachable)
  }

  /// Whether nobody was there to take the request.
  package var isUnreachable: Bool {
    switch reason {
    case .hostNotFound, .connectionRefused, .connectTimeout, .handshakeFailed: true
    default: false
    }
  }

  private var summary: String {
    switch reason {
    case .hostNotFound: "the host name was not found"
    case .connectionRefused: "no connection"
    case .connectionLost: "the connection was lost"
    case .connectTimeout: "no connection within the time limit"
    case .stalled: "the connection stood still"
    case .untrustedServer: "the server's certificate cannot be trusted"
    case .unusableCABundle: "the file of trusted certificates cannot be used"
    case .handshakeFailed: "no TLS connection"
    case .sourceChanged: "the file became shorter while it was sent"
    case .sourceUnreadable: "the file could not be read while it was sent"
    case .responseTooLarge: "the answer is larger than allowed"
    case .notHTTP: "the answer is not HTTP"
    case .invalidRequest: "the request cannot be sent"
    case .cancelled: "it was cancelled"
    case .shutDown: "the process is stopping"
    case .other: "the transfer failed"
    }
  }
}
