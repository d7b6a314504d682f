import SlipwayModel
import Synchronization

/// A request on its way, and what has come back of it.
///
/// Sendable by hand: `send` owns it until it is submitted, from then on the loop's thread alone, which ends it with
/// `finish`; only `isCancelled` is touched by others meanwhile.
final class Exchange: @unchecked Sendable {
  let request: HTTPRequest
  private var continuation: UnsafeContinuation<Result<HTTPResponse, HTTPTransportError>, Never>?
  private let cancelled = Atomic<Bool>(false)

  /// What a callback found wrong; it says more than the code with which libcurl then ends the transfer.
  var failure: HTTPTransportError?
  /// Of a file part: how many of its bytes have been handed to libcurl.
  var position: Int64 = 0
  private(set) var receivedFields: [UInt8]
  private(set) var receivedBody: [UInt8] = []
  /// Of a file part under a limit of rate: how many bytes may be read before it has to ask again.
  var allowance = 0
  /// How many bytes it waits for under a limit of rate; 0: it does not wait.
  var awaited = 0
  /// The handle that carries it, while it is under way.
  var handle: EasyHandle?

  init(_ request: HTTPRequest) {
    self.request = request
    // Here and not in the loop's thread: memory that one thread takes and another gives back makes malloc lock.
    receivedFields = []
    receivedFields.reserveCapacity(Self.usualFieldsSize)
  }

  func begin(_ continuation: UnsafeContinuation<Result<HTTPResponse, HTTPTransportError>, Never>) {
    self.continuation = continuation
  }

  /// Any thread, also before it was submitted.
  func cancel() { cancelled.store(true, ordering: .releasing) }
  var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

  /// Wakes the caller; a second call does nothing.
  func finish(_ result: Result<HTTPResponse, HTTPTransportError>) {
    guard let continuation else { return }
    self.continuation = nil
    settleProgress(result)
    continuation.resume(returning: result)
  }

  /// Appends to the header; false if there is too much of it.
  func receiveField(_ line: UnsafeRawBufferPointer) -> Bool {
    Self.append(line, to: &receivedFields)
  }

  /// On the array itself: each access to a property of an object is checked for exclusivity by a call.
  private static func append(_ line: UnsafeRawBufferPointer, to fields: inout [UInt8]) -> Bool {
    // An interim answer (100 Continue) and a proxy's come with a status line of their own: the last one counts.
    if line.first == statusLineStart.first, line.starts(with: statusLineStart) {
      fields.removeAll(keepingCapacity: true)
    }
    guard fields.count + line.count <= receivedFieldsLimit else { return false }
    fields.append(contentsOf: line)
    return true
  }

  /// Appends to the body; false if it is larger than allowed.
  func receiveBody(_ piece: UnsafeRawBufferPointer) -> Bool {
    guard receivedBody.count + piece.count <= request.responseBodyLimit else { return false }
    receivedBody.append(contentsOf: piece)
    return true
  }

  /// Moves the position within a file part, as progress has it.
  func move(to position: Int64) {
    request.progress?.sent(position - self.position)
    self.position = position
  }

  /// In bytes.
  static let receivedFieldsLimit = 64 * 1024
  private static let usualFieldsSize = 512
  private static let statusLineStart = Array("HTTP/".utf8)

  /// A file part is counted as it goes, bytes in memory when they have been taken; what failed counts for nothing.
  private func settleProgress(_ result: Result<HTTPResponse, HTTPTransportError>) {
    guard let progress = request.progress else { return }
    let isTaken = if case .success(let response) = result { 200..<300 ~= response.status } else { false }
    progress.sent((isTaken ? request.body.count : 0) - position)
  }
}
