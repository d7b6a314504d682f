import SlipwayModel
import Testing

@Suite struct TreeDigestTests {
  private func file(_ inode: UInt64 = 1, device: UInt64 = 1, size: Int64 = 2, changed: Int64 = 4) -> Fingerprint {
    Fingerprint(device: device, inode: inode, size: size, modified: 3, changed: changed)
  }

  private func digest(_ files: (String, Fingerprint)...) -> MarkerIdentity {
    var digest = TreeDigest()
    for (path, fingerprint) in files { digest.add(BytePath(path), fingerprint) }
    return digest.identity
  }

  @Test("Any other path or fingerprint, one more and another order are another digest; the device is no matter")
  func differs() {
    let digests = [
      digest(), digest(("a", file())), digest(("b", file())), digest(("a", file(2))), digest(("a", file(size: 3))),
      digest(("a", file(changed: 5))), digest(("a", file()), ("b", file())), digest(("b", file()), ("a", file())),
      digest(("a\0", file())), digest(("abcdefgh", file())), digest(("abcdefghi", file())),
    ]
    #expect(Set(digests).count == digests.count)
    #expect(digest(("a", file())) == digest(("a", file(device: 9))))
    #expect(TreeDigest(of: file()).identity == digest((".", file())))
  }

  @Test("It is the same in every process: it stands in the ledger")
  func stable() {
    #expect(
      digest(("a/b", file())) == MarkerIdentity(inode: 0xa8ea2ed770cc8759, modified: 8748138183175207915))
  }

  @Test("Among many files no two digests are equal")
  func spread() {
    let digests = (0..<50_000).map { TreeDigest(of: file(UInt64($0 % 500), size: Int64($0 / 500))).identity }
    #expect(Set(digests).count == digests.count)
    #expect(Set(digests.map(\.inode)).count == digests.count && Set(digests.map(\.modified)).count == digests.count)
  }
}
