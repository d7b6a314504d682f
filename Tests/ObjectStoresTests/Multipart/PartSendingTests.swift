import S3Client
import SlipwayModel
import TestSupport
import Testing

@testable import ObjectStores

@Suite("The parts of a file, as its lanes take them")
struct PartSendingTests {
  @Test("are hashed in one group at a time, the next one before the last is used up")
  func ahead() {
    let sending = Self.sending(parts: 12, groups: 6)
    #expect(sending.next().description == "hash [1, 2, 3, 4, 5, 6]")
    #expect(sending.next().description == "wait")
    sending.hashed(Self.hashed(1...6))
    #expect((1...3).map { _ in sending.next().description } == ["send 1", "send 2", "send 3"])
    #expect(sending.next().description == "hash [7, 8, 9, 10, 11, 12]")
    #expect((4...6).map { _ in sending.next().description } == ["send 4", "send 5", "send 6"])
    #expect(sending.next().description == "wait")
    sending.hashed(Self.hashed(7...12))
    #expect((7...12).map { _ in sending.next().description } == (7...12).map { "send \($0)" })
    #expect(sending.next().description == "end")
  }

  @Test("are each hashed by who sends it where groups are of no use")
  func alone() {
    let sending = Self.sending(parts: 2, groups: 1)
    #expect(sending.next().description == "hash [1]")
    #expect(sending.next().description == "hash [2]")
    sending.hashed(Self.hashed(2...2))
    #expect(sending.next().description == "send 2")
    sending.hashed(Self.hashed(1...1))
    #expect(sending.next().description == "send 1")
    #expect(sending.next().description == "end")
  }

  @Test("are waited for until they are hashed, or it is known that they will not be")
  func waiting() async {
    for isSound in [true, false] {
      let sending = Self.sending(parts: 3, groups: 3)
      #expect(sending.next().description == "hash [1, 2, 3]")
      let steps = await withTaskGroup(of: String.self) { group in
        for _ in 0..<2 {
          group.addTask {
            await sending.groupEnded()
            return sending.next().description
          }
        }
        if !isSound {
          sending.failed(S3Error(Failure(.permanent, "upload", "it", code: "", cause: "it is gone")))
        }
        sending.hashed(isSound ? Self.hashed(1...3) : [])
        return await group.reduce(into: []) { $0.append($1) }.sorted()
      }
      #expect(steps == (isSound ? ["send 1", "send 2"] : ["end", "end"]))
      await sending.groupEnded()
    }
  }

  private static func sending(parts: Int, groups: Int) -> PartSending {
    let upload = MultipartUpload(
      run: RunID(at: Timestamp(seconds: 1), entropy: (1, 1)), destination: DestinationName("d"), path: BytePath("f"),
      key: ObjectKey("k"),
      fingerprint: Fingerprint(device: 1, inode: 2, size: Int64(10 * parts), modified: 4, changed: 5), token: "t",
      partSize: 10, begun: Timestamp(seconds: 1))
    return PartSending(upload, size: Int64(10 * parts)) { min(groups, $0) }
  }

  private static func hashed(_ numbers: ClosedRange<Int>) -> [PartSending.HashedPart] {
    numbers.map { PartSending.HashedPart(number: $0, digests: ContentDigests(md5: nil, sha256: nil)) }
  }
}

extension PartSending.Step {
  fileprivate var description: String {
    switch self {
    case .hash(let numbers): "hash \(numbers)"
    case .send(let part): "send \(part.number)"
    case .wait: "wait"
    case .end: "end"
    }
  }
}
