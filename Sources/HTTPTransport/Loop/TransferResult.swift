import CLibcurl
import SlipwayModel

/// How a transfer ended, in our words.
extension EasyHandle {
  func result(_ code: CURLcode) -> Result<HTTPResponse, HTTPTransportError> {
    guard let exchange else { return .failure(HTTPTransportError(.other)) }
    guard code == CURLE_OK else { return .failure(exchange.failure ?? error(code)) }
    return .success(
      HTTPResponse(
        status: long(CURLINFO_RESPONSE_CODE), fields: HTTPResponseFields(exchange.receivedFields),
        body: exchange.receivedBody))
  }

  private func error(_ code: CURLcode) -> HTTPTransportError {
    // libcurl's text may quote the server.
    let said = errorDetail.prefix(Self.detailLimit)
    let detail = said.isEmpty ? String(cString: curl_easy_strerror(code)) : escaped(said)
    return HTTPTransportError(reason(code), detail: detail)
  }

  private func reason(_ code: CURLcode) -> HTTPTransportError.Reason {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .hostNotFound
    case CURLE_COULDNT_CONNECT: .connectionRefused
    // Zero until the connection stands and the request may be sent.
    case CURLE_OPERATION_TIMEDOUT: offset(CURLINFO_PRETRANSFER_TIME_T) == 0 ? .connectTimeout : .stalled
    case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE: .connectionLost
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR: .untrustedServer
    case CURLE_SSL_CACERT_BADFILE: .unusableCABundle
    case CURLE_SSL_CONNECT_ERROR: .handshakeFailed
    case CURLE_UNSUPPORTED_PROTOCOL where offset(CURLINFO_PRETRANSFER_TIME_T) > 0: .notHTTP
    case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: .notHTTP
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: .invalidRequest
    default: .other
    }
  }

  /// In bytes.
  private static let detailLimit = 200
}
