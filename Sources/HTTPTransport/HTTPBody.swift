import SlipwayModel

/// What a request carries.
package enum HTTPBody: Sendable {
  case none
  /// In memory; below `oneSendLimit` header and body go out by a single send(2).
  case bytes(BodyBuffer)
  /// A part of an open file, read while it is sent.
  case file(FilePart)

  /// Bytes of a small body.
  package static func bytes(_ bytes: [UInt8]) -> HTTPBody { .bytes(BodyBuffer(copying: bytes)) }

  /// In bytes.
  package var count: Int64 {
    switch self {
    case .none: 0
    case .bytes(let buffer): Int64(buffer.count)
    case .file(let part): part.count
    }
  }

  /// libcurl sends a body given in memory together with the header if it is smaller than this.
  package static let oneSendLimit = 64 * 1024
}

/// Memory for a body, not zeroed. One owner fills it; once it is part of a request nobody writes to it until the
/// request has been answered.
///
/// Sendable by hand: the rule above leaves one writer, and readers only after it.
package final class BodyBuffer: @unchecked Sendable {
  package let memory: UnsafeMutableRawBufferPointer
  /// How many bytes of `memory` are the body. Unchecked: the rule above says more than a check could.
  @exclusivity(unchecked) package var count: Int

  /// Uninitialized memory of `capacity` bytes, at least one.
  package init(capacity: Int) {
    // On a page of its own: a small file then touches as few pages as it can.
    memory = .allocate(byteCount: max(1, capacity), alignment: 4096)
    count = 0
  }

  package init(copying bytes: [UInt8]) {
    memory = .allocate(byteCount: max(1, bytes.count), alignment: 16)
    memory.copyBytes(from: bytes)
    count = bytes.count
  }

  deinit {
    memory.deallocate()
  }

  /// The body.
  package var content: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }
}

/// A part of an open file.
package struct FilePart: Sendable {
  package let file: any OpenFile
  /// In bytes from the start of the file.
  package let offset: Int64
  /// In bytes. If the file ends before, the request fails as `sourceChanged`.
  package let count: Int64

  package init(file: any OpenFile, offset: Int64, count: Int64) {
    self.file = file
    self.offset = offset
    self.count = count
  }
}
