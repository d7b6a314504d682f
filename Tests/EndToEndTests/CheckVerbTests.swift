import TestSupport
import Testing

@Suite("slipway check", .needsBinary)
struct CheckVerbTests {
  @Test("It tells what the server can do, and leaves nothing behind (fault 43)")
  func wellServed() async throws {
    try await World.with { world in
      try world.configure(to: "[store]")
      let told = try await world.run("check", "store").lines(.output)
      for start in ["ok      store: server: ", "ok      store: bucket: \(world.bucket)", "ok      store: storing: "] {
        #expect(told.contains { $0.hasPrefix(start) }, "\(told)")
      }
      #expect(told.contains("ok      store: credentials: \(world.reader.accessKeyID) of the destination"))
      #expect(told.contains("ok      store: storing: a probe object was stored, proven by md5"))
      #expect(told.contains("ok      store: parts: large files can be sent in parts"))
      #expect(told.contains("ok      store: deleting: the probe object is gone again"))
      #expect(told.contains { $0.contains("store: checksums: proven: ") })
      // Ceph's gateway 16.2 is the real one.
      let note = "note    store: tags of parts: what is sent in parts has lost its tags; server: ceph fits, "
      #expect(told.contains { $0.hasPrefix(note) } == (world.scripted == nil), "\(told)")
      let keys = try await world.keys()
      #expect(keys.isEmpty)
      let uploads = try await world.reader.unfinishedUploads(world.bucket)
      #expect(uploads.isEmpty)
    }
  }

  @Test("fault 43: a server without checksum fields or conditional writes is told with the setting that fits")
  func poorlyServed() async throws {
    let refuse = FaultRule(
      FaultRule.Match(method: "PUT", headerName: "x-amz-checksum-crc64nvme"),
      .answer(status: 400, code: "InvalidArgument"))
    let unknown = ["if-none-match", "if-match"].map {
      FaultRule(FaultRule.Match(method: "PUT", headerName: $0), .answer(status: 501, code: "NotImplemented"))
    }
    try await World.with(.scripted([refuse] + unknown)) { world in
      try world.configure(to: "[store]")
      let told = try await world.run("check", "store").lines(.output)
      #expect(
        told.contains("note    store: checksums: proven: crc32c, sha256, md5; not: crc64nvme; checksum: md5 fits"),
        "\(told)")
      #expect(
        told.contains(
          "note    store: conditions: conditional writes are not honoured; leave overwrite: always; nothing keeps two "
            + "writers apart here"))
    }
  }

  @Test("What uploads need and is not there makes the exit code 1, with what to do")
  func failing() async throws {
    try await World.with { world in
      try world.configure(to: "[store]", destinations: world.destinations(bucket: "no-such-bucket-here"))
      let told = try await world.run("check", "store", expecting: 1).lines(.output)
      #expect(
        told.contains(
          "failed  store: bucket: there is no bucket no-such-bucket-here; create it, or correct bucket at the "
            + "destination"), "\(told)")
      try world.configure(to: "[store]", destinations: world.destinations(secret: "not-this-one"))
      let refused = try await world.run("check", "store", "--json", expecting: 1).lines(.output)
      let problem = try #require(refused.first { $0.contains("\"grade\":\"failed\"") }, "\(refused)")
      #expect(problem.contains("\"subject\":\"upload\""))
      #expect(problem.contains("403 SignatureDoesNotMatch"))
      #expect(problem.contains("\"remedy\":\"correct the secret access key\""))
      try await world.run("check", "nowhere", expecting: 64)
    }
  }

  @Test("A directory is looked at, too, and this machine's limits for watching")
  func directory() async throws {
    try await World.with(.none) { world in
      try world.configure(to: "[copy]")
      let told = try await world.run("check", "copy").lines(.output)
      #expect(told.contains { $0.contains("copy: directory: \(world.scratch("outbox")) will be made, ") }, "\(told)")
      #expect(told.contains { $0.contains("this machine: inotify: ") })
    }
  }
}
