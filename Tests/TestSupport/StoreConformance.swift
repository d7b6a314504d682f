import SlipwayModel
import Testing

/// A store, and a look at what it holds that does not go through it.
package struct StoreUnderTest: Sendable {
  package let store: any ObjectStore
  /// The object's content; nil if there is none.
  package let content: @Sendable (ObjectKey) async throws -> [UInt8]?

  package init(_ store: any ObjectStore, content: @escaping @Sendable (ObjectKey) async throws -> [UInt8]?) {
    self.store = store
    self.content = content
  }
}

/// The contract of `ObjectStore`, for every implementation; each entry wants a new, empty store.
package let storeConformance = storePutConformance + storeReadingConformance

/// What of it a store must keep that nothing can be asked of but `put`.
package let storePutConformance: [Conformance<StoreUnderTest>] =
  [
    Conformance("an object has the content of its file, and the receipt its size") { subject in
      let directory = try TemporaryDirectory()
      for size in [0, 1, 4096, 300_001] {
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
        let file = try DescriptorFile(directory.write(content, to: BytePath("file-\(size)")))
        let key = ObjectKey("some/prefix/file-\(size)")
        let meter = TransferMeter()
        let receipt = try await subject.store.put(file, at: key, progress: meter)
        #expect(try await subject.content(key) == content)
        #expect(receipt.size == Int64(size))
        #expect(meter.snapshot.bytes == Int64(size))
      }
    },
    Conformance("a later put of a key replaces the object") { subject in
      let directory = try TemporaryDirectory()
      let key = ObjectKey("a/b")
      for content in ["the first, and longer", "second"] {
        let file = try DescriptorFile(directory.write(content, to: "file"))
        _ = try await subject.store.put(file, at: key, progress: TransferMeter())
        #expect(try await subject.content(key) == Array(content.utf8))
      }
    },
    Conformance("names that mean something to others are names and nothing more") { subject in
      let directory = try TemporaryDirectory()
      let names = [
        "with space", "line\nfeed", "tab\t", "\u{1}", "+?#%*&\"'", "%2F", "$(touch x)", "-rf", "e\u{301}", "\u{E9}",
        "\u{1F680}", "a=b;c", "back\\slash", "A", "a", String(repeating: "n", count: 255),
      ]
      for name in names {
        let file = try DescriptorFile(directory.write(name, to: "file"))
        _ = try await subject.store.put(file, at: ObjectKey("odd/\(name)"), progress: TransferMeter())
      }
      for name in names { #expect(try await subject.content(ObjectKey("odd/\(name)")) == Array(name.utf8)) }
    },
    Conformance("a file of another size than was planned is not taken, and the old object stays") { subject in
      let directory = try TemporaryDirectory()
      let path = try directory.write("0123456789", to: "file")
      let key = ObjectKey("dir/object")
      let file = try DescriptorFile(path)
      _ = try await subject.store.put(file, at: key, progress: TransferMeter())
      for size: Int64 in [9, 11] {
        let actual = file.fingerprint
        let planned = Fingerprint(
          device: actual.device, inode: actual.inode, size: size, modified: actual.modified, changed: actual.changed)
        let meter = TransferMeter()
        let failure = try await #require(throws: Failure.self) {
          try await subject.store.put(DescriptorFile(path, fingerprint: planned), at: key, progress: meter)
        }
        #expect(failure.code == "SourceChanged")
        #expect(failure.kind == .transient(retryAfter: nil))
        #expect(meter.snapshot.bytes == 0)
        #expect(try await subject.content(key) == Array("0123456789".utf8))
      }
    },
    Conformance("puts may go on side by side") { subject in
      let directory = try TemporaryDirectory()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<100 {
          let path = try directory.write("content \(number)", to: "file-\(number)")
          group.addTask {
            let key = ObjectKey("d\(number % 7)/file-\(number)")
            _ = try await subject.store.put(DescriptorFile(path), at: key, progress: TransferMeter())
            #expect(try await subject.content(key) == Array("content \(number)".utf8))
          }
        }
        try await group.waitForAll()
      }
    },
    Conformance("it can be settled at any time, and more than once") { subject in
      let directory = try TemporaryDirectory()
      try await subject.store.settle([])
      let file = try DescriptorFile(directory.write("x", to: "file"))
      _ = try await subject.store.put(file, at: ObjectKey("x"), progress: TransferMeter())
      try await subject.store.settle([])
      try await subject.store.settle([])
      _ = try await subject.store.put(file, at: ObjectKey("y"), progress: TransferMeter())
      #expect(try await subject.content(ObjectKey("y")) == [0x78])
    },
    Conformance("two keys have two addresses") { subject in
      let keys = ["a", "a b", "a%20b", "e\u{301}", "\u{E9}"].map { ObjectKey($0) }
      #expect(Set(keys.map { Array(subject.store.url(of: $0).utf8) }).count == keys.count)
    },
  ]

/// What a store does beside `storeConformance` where its settings keep an equal object.
package let equalConformance: [Conformance<StoreUnderTest>] = [
  Conformance("what lies there already is found and costs nothing, and what differs is sent") { subject in
    let directory = try TemporaryDirectory()
    let key = ObjectKey("a/b")
    for (content, isSent) in [("one", true), ("one", false), ("two", true), ("two", false)] {
      let file = try DescriptorFile(directory.write(content, to: "file"))
      let meter = TransferMeter()
      let receipt = try await subject.store.put(file, at: key, progress: meter)
      #expect(receipt.isSent == isSent)
      #expect(receipt.size == 3)
      #expect(meter.snapshot.bytes == (isSent ? 3 : 0))
      #expect(try await subject.content(key) == Array(content.utf8))
    }
  }
]

extension ObjectStore {
  /// For a run of its own, without attributes.
  package func put(
    _ file: any OpenFile, at key: ObjectKey, progress: TransferMeter
  ) async throws(Failure) -> PutReceipt {
    try await put(file, at: key, try await PutContext.sample(progress: progress))
  }
}
