import Glibc
import SlipwayModel

/// One copy of a source file into a draft, hashed on the way.
final class FileCopy {
  private let file: any OpenFile
  private let draft: DraftFile
  private let key: ObjectKey
  private let progress: TransferMeter
  /// The bytes copied so far.
  private(set) var count: Int64 = 0

  init(of file: any OpenFile, to draft: DraftFile, key: ObjectKey, progress: TransferMeter) {
    self.file = file
    self.draft = draft
    self.key = key
    self.progress = progress
  }

  /// Copies everything, piece by piece through `buffer`, and returns the checksum. Throws unless the file has exactly
  /// the size that was planned.
  func run(_ hash: any ContentHash, _ buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> [UInt8] {
    while true {
      if Task.isCancelled {
        throw Failure(
          .transient(retryAfter: nil), "upload", key.description, code: "Cancelled", cause: "it was stopped")
      }
      let length = try read(buffer)
      if length == 0 { break }
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<length])
      hash.update(piece)
      try draft.write(piece, at: count)
      count += Int64(length)
      progress.sent(Int64(length))
      if count > file.fingerprint.size { break }
    }
    guard count == file.fingerprint.size else { throw changed }
    return try hash.finish()
  }

  /// Throws if the file is not what it was when it was opened: then what has been copied may be half new.
  func checkSource() throws(Failure) {
    if try file.currentFingerprint() != file.fingerprint { throw changed }
  }

  private func read(_ buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    while true {
      let length = pread(file.descriptor, buffer.baseAddress, buffer.count, off_t(count))
      if length >= 0 { return length }
      if errno != EINTR {
        throw Failure(
          .transient(retryAfter: nil), "read", key.description, code: Failure.sourceUnreadable,
          cause: String(cString: strerror(errno)))
      }
    }
  }

  private var changed: Failure {
    Failure(
      .transient(retryAfter: nil), "upload", key.description, code: Failure.sourceChanged,
      cause: "the file changed while it was sent")
  }
}
