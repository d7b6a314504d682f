import CLibcurl

/// A request's header fields as libcurl's linked list, in memory that is used again: curl_slist_append would allocate
/// twice a field. For one transfer at a time.
final class FieldList {
  private var text: UnsafeMutablePointer<CChar>
  private var textCapacity = 1024
  private let nodes: UnsafeMutablePointer<curl_slist>
  private var nodeCount = 0

  /// Fields of the transport's own, beside those of the request.
  private static let ownLimit = 2
  private static let nodeLimit = HTTPFields.countLimit + ownLimit
  private static let ownTextLimit = 64

  init() {
    text = .allocate(capacity: textCapacity)
    nodes = .allocate(capacity: Self.nodeLimit)
  }

  deinit {
    text.deallocate()
    nodes.deallocate()
  }

  /// The list, valid until the next call. The fields must not be malformed.
  func fill(_ fields: HTTPFields, addsBodyFields body: HTTPBody) -> UnsafeRawPointer? {
    reserve(fields.lines.count + Self.ownTextLimit)
    nodeCount = 0
    fields.lines.withUnsafeBytes { lines in
      UnsafeMutableRawBufferPointer(start: text, count: textCapacity).copyMemory(from: lines)
    }
    var hasContentType = false
    for start in fields.starts.prefix(HTTPFields.countLimit) {
      append(text + start)
      if isContentType(text + start) { hasContentType = true }
    }
    appendOwn(body, hasContentType, at: fields.lines.count)
    return nodeCount == 0 ? nil : UnsafeRawPointer(nodes)
  }

  /// No waiting for 100 Continue, which libcurl asks for with large bodies, and no type of a form where none is given.
  private func appendOwn(_ body: HTTPBody, _ hasContentType: Bool, at end: Int) {
    if case .none = body { return }
    let expect: StaticString = "Expect:"
    let contentType: StaticString = "Content-Type:"
    appendStatic(expect, at: end)
    if !hasContentType { appendStatic(contentType, at: end + expect.utf8CodeUnitCount + 1) }
  }

  private func appendStatic(_ line: StaticString, at end: Int) {
    let target = text + end
    for (index, byte) in UnsafeBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount).enumerated() {
      target[index] = CChar(bitPattern: byte)
    }
    target[line.utf8CodeUnitCount] = 0
    append(target)
  }

  private func append(_ line: UnsafeMutablePointer<CChar>) {
    if nodeCount > 0 { nodes[nodeCount - 1].next = nodes + nodeCount }
    (nodes + nodeCount).initialize(to: curl_slist(data: line, next: nil))
    nodeCount += 1
  }

  private func isContentType(_ line: UnsafePointer<CChar>) -> Bool {
    curl_strnequal(line, "content-type:", 13) != 0
  }

  private func reserve(_ count: Int) {
    guard count > textCapacity else { return }
    text.deallocate()
    textCapacity = count
    text = .allocate(capacity: count)
  }
}
