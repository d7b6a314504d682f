import SlipwayModel

/// A checksum that is made while content goes by. For one thread at a time.
package protocol ContentHash: AnyObject {
  func update(_ bytes: UnsafeRawBufferPointer)
  /// The value; nothing may follow.
  func finish() throws(Failure) -> [UInt8]
}
