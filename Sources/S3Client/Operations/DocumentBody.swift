import Checksums
import HTTPTransport
import SlipwayModel

extension S3Request {
  /// Gives the request a body in memory, and signs it.
  mutating func carry(_ document: [UInt8]) throws(S3Error) {
    do throws(Failure) {
      payloadHash = .sha256(try MessageDigest.of(document, by: .sha256))
    } catch {
      throw S3Error(error)
    }
    fields.append("content-type", "application/xml")
    body = .bytes(document)
  }

  /// The same with the checksum of the body that S3 asks for with some requests (Amazon S3 API Reference,
  /// DeleteObjects, PutObjectTagging): the destination's own, Content-MD5 where it has none. Throws a permanent error
  /// where libcrypto does not offer one.
  mutating func carry(_ document: [UInt8], provenBy proof: ContentProof) throws(S3Error) {
    try carry(document)
    do throws(Failure) {
      var hasher = try ContentHasher(proof)
      document.withUnsafeBytes { hasher.update($0) }
      if let checksum = proof.checksumField(try hasher.finalize()) {
        fields.append(checksum.name, checksum.value)
      } else {
        fields.append("content-md5", try MessageDigest.of(document, by: .md5).base64Text)
      }
    } catch {
      throw S3Error(error)
    }
  }
}
