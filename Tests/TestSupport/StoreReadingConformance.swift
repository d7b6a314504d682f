import Glibc
import SlipwayModel
import Testing

/// What the contract of `ObjectStore` says beside `put`; each entry wants a new, empty store.
let storeReadingConformance: [Conformance<StoreUnderTest>] = [
  Conformance("an object has a head with its size, and a key without an object has none") { subject in
    #expect(try await subject.store.head(ObjectKey("absent")) == nil)
    try await put("twelve bytes", at: "some/object", in: subject)
    #expect(try await subject.store.head(ObjectKey("some/object"))?.size == 12)
    #expect(try await subject.store.head(ObjectKey("some")) == nil)
    #expect(try await subject.store.head(ObjectKey("some/object/below")) == nil)
  },
  Conformance("an object's content is written into a file, which is cut to its size") { subject in
    let directory = try TemporaryDirectory()
    for size in [0, 1, 4096, 300_001] {
      let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 29 &+ $0 >> 9) }
      let source = try DescriptorFile(directory.write(content, to: BytePath("source")))
      _ = try await subject.store.put(source, at: ObjectKey("dir/object"), progress: TransferMeter())
      let path = try directory.write([UInt8](repeating: 7, count: 400_000), to: BytePath("target"))
      let head = try await get("dir/object", from: subject, into: path)
      #expect(head.size == Int64(size))
      #expect(try directory.read("target") == content)
    }
  },
  Conformance("an object that is not there cannot be read or copied") { subject in
    let directory = try TemporaryDirectory()
    let path = try directory.write("", to: "target")
    try await put("x", at: "other", in: subject)
    let reading = await #expect(throws: Failure.self) { try await get("absent", from: subject, into: path) }
    #expect(reading?.code == Failure.noSuchKey)
    #expect(reading?.kind == .permanent)
    let copying = await #expect(throws: Failure.self) {
      try await subject.store.copy(ObjectKey("absent"), to: ObjectKey("other"), for: runID(1))
    }
    #expect(copying?.code == Failure.noSuchKey)
    #expect(try await subject.content(ObjectKey("other")) == [0x78])
  },
  Conformance("a file is recognised in an object of its content, and in no other") { subject in
    let directory = try TemporaryDirectory()
    let file = try DescriptorFile(directory.write("twelve bytes", to: "file"))
    let receipt = try await subject.store.put(file, at: ObjectKey("equal"), progress: TransferMeter())
    try await put("TWELVE BYTES", at: "other", in: subject)
    func recognise(_ key: String, _ known: KnownObject) async throws -> PutReceipt? {
      try await subject.store.recognise(file, at: ObjectKey(key), as: known)
    }
    #expect(try await recognise("equal", KnownObject(receipt))?.size == 12)
    var walk = subject.store.list(under: ObjectKey(""))
    let listed = [try #require(try await walk.next()), try #require(try await walk.next())]
    #expect(try await recognise("equal", KnownObject(listed[0])) != nil)
    #expect(try await recognise("other", KnownObject(listed[1])) == nil)
    #expect(try await recognise("equal", KnownObject(size: 13, etag: listed[0].etag)) == nil)
  },
  Conformance("an empty store lists nothing") { subject in
    for prefix in ["", "some/prefix/"] {
      let found = try await keys(of: subject, under: prefix)
      #expect(found == [])
    }
  },
  Conformance("objects are listed in byte order of their keys, under whatever prefix") { subject in
    let sorted = ["a b/x", "a+b", "a-b", "a.b", "a/b", "a/c/d", "a/c/e", "a0", "ab/c", "b", "e\u{301}", "\u{E9}"]
    for key in sorted.reversed() { try await put(key, at: key, in: subject) }
    #expect(try await keys(of: subject, under: "") == sorted.map { Array($0.utf8) })
    for prefix in ["a", "a/", "a/c", "a/c/", "ab", "b", "c", "e", "a/b/", "a "] {
      let expected = sorted.map { Array($0.utf8) }.filter { $0.starts(with: prefix.utf8) }
      #expect(try await keys(of: subject, under: prefix) == expected)
    }
    var walk = subject.store.list(under: ObjectKey("a/c/d"))
    #expect(try await walk.next()?.size == 5)
    #expect(try await walk.next() == nil)
    #expect(try await walk.next() == nil)
  },
  Conformance("deleted objects are gone, the others stay, and deleting again is no error") { subject in
    let odd = ["a&b", "a<b>", "tab\t", "line\nfeed", "\u{1}", "e\u{301}", "\u{E9}"]
    for key in odd + ["stays", "dir/stays"] { try await put("x", at: key, in: subject) }
    for _ in 0..<2 { #expect(try await subject.store.delete(odd.map { ObjectKey($0) }) == []) }
    #expect(try await keys(of: subject, under: "") == ["dir/stays", "stays"].map { Array($0.utf8) })
    #expect(try await subject.store.head(ObjectKey("tab\t")) == nil)
    #expect(try await subject.store.delete([]) == [])
  },
  Conformance("a copy has the content of its source, and replaces what was there") { subject in
    for (key, content) in [("dir/source with + and %", "content"), ("target", "another, which is longer")] {
      try await put(content, at: key, in: subject)
    }
    for _ in 0..<2 {
      let source = ObjectKey("dir/source with + and %")
      #expect(try await subject.store.copy(source, to: ObjectKey("target"), for: runID(1)).size == 7)
    }
    #expect(try await subject.content(ObjectKey("target")) == Array("content".utf8))
    #expect(try await subject.content(ObjectKey("dir/source with + and %")) == Array("content".utf8))
  },
]

private func put(_ content: String, at key: String, in subject: StoreUnderTest) async throws {
  let directory = try TemporaryDirectory()
  let file = try DescriptorFile(directory.write(content, to: "file"))
  _ = try await subject.store.put(file, at: ObjectKey(key), progress: TransferMeter())
}

private func get(_ key: String, from subject: StoreUnderTest, into path: BytePath) async throws -> ObjectHead {
  let descriptor = path.withCString { open($0, O_WRONLY | O_CLOEXEC) }
  defer { close(descriptor) }
  return try await subject.store.get(ObjectKey(key), intoFile: descriptor)
}

private func keys(of subject: StoreUnderTest, under prefix: String) async throws -> [[UInt8]] {
  var walk = subject.store.list(under: ObjectKey(prefix))
  var keys: [[UInt8]] = []
  while let object = try await walk.next() { keys.append(object.key.bytes) }
  return keys
}
