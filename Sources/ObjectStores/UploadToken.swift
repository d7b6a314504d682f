import Checksums
import SlipwayModel

/// What tells our own object from another's at the same key: the same each time that this content of this file of this
/// run is sent to this destination, also by the next process, and never that of anything else.
func uploadToken(_ file: Fingerprint, _ context: PutContext) throws(Failure) -> String {
  var text = Array("\(context.run)\n\(context.destination)\n".utf8)
  // Without the device, which may be another one after a reboot. The path comes last: it may contain anything.
  text += Array("\(file.inode) \(file.size) \(file.modified) \(file.changed)\n".utf8)
  text += context.path.bytes
  return hexadecimal(try MessageDigest.of(text, by: .sha256).prefix(16))
}
