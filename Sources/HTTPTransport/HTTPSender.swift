/// Whatever sends a request and waits for the whole answer: the transport, or what stands around it.
package protocol HTTPSender: Sendable {
  /// Any answer is a result, whatever its status. May be called from any task.
  nonisolated(nonsending) func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse
}

extension HTTPTransport: HTTPSender {}
