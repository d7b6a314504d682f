import SlipwayModel
import Testing

/// What a ledger keeps of multipart uploads.
let multipartConformance: [Conformance<any Ledger>] = [
  Conformance("a multipart upload reads back exactly, before it has an ID and after, with its parts in order") {
    ledger in
    let run = plainRun(number: 1)
    var upload = multipart(run: run.id, token: "t1")
    try await ledger.commit([.run(run)])
    #expect(try await ledger.multipartUpload(of: run.id, upload.path, at: upload.destination) == nil)
    try await ledger.begin(upload)
    #expect(try await ledger.multipartUpload(of: run.id, upload.path, at: upload.destination) == upload)
    upload.id = MultipartUpload.ID("2~e\u{301}")
    try await ledger.begin(upload)
    let parts = [2, 10_000, 1].map {
      MultipartUpload.Part(number: $0, etag: "e\($0)", checksum: [0, UInt8($0 & 0xFF)])
    }
    for part in parts { try await ledger.prove(part, of: upload) }
    let again = MultipartUpload.Part(number: 2, etag: "", checksum: [])
    try await ledger.prove(again, of: upload)
    try await ledger.begin(upload)
    upload.parts = [parts[2], again, parts[1]]
    #expect(try await ledger.multipartUpload(of: run.id, upload.path, at: upload.destination) == upload)
  },
  Conformance("a multipart upload with another token takes the place of the former one and its parts") { ledger in
    let run = plainRun(number: 1)
    let (former, latter) = (multipart(run: run.id, token: "t1"), multipart(run: run.id, token: "t2"))
    try await ledger.commit([.run(run)])
    try await ledger.begin(former)
    try await ledger.prove(MultipartUpload.Part(number: 1, etag: "e", checksum: [1]), of: former)
    try await ledger.begin(latter)
    try await ledger.prove(MultipartUpload.Part(number: 2, etag: "e", checksum: [1]), of: former)
    #expect(try await ledger.multipartUpload(of: run.id, latter.path, at: latter.destination) == latter)
    // Somebody ends the former one late.
    try await ledger.end(former)
    let part = MultipartUpload.Part(number: 1, etag: "e", checksum: [1])
    try await ledger.prove(part, of: latter)
    let kept = try await ledger.multipartUpload(of: run.id, latter.path, at: latter.destination)
    #expect(kept?.token == latter.token && kept?.parts == [part])
    try await ledger.end(latter)
    try await ledger.end(latter)
    #expect(try await ledger.multipartUpload(of: run.id, latter.path, at: latter.destination) == nil)
  },
  Conformance("multipart uploads of runs that are over are abandoned, those of others are not") { ledger in
    var runs = [1, 2, 3].map { plainRun(number: $0) }
    let uploads = runs.map { multipart(run: $0.id, token: "t-\($0.id)") }
    try await ledger.commit(runs.map { .run($0) } + uploads.map { .multipart($0) })
    #expect(try await ledger.abandonedUploads(of: nil).isEmpty)
    runs[0].state = .done
    runs[2].state = .failed
    try await ledger.commit([.run(runs[0]), .run(runs[2])])
    let abandoned = try await ledger.abandonedUploads(of: nil)
    #expect(Set(abandoned) == [uploads[0], uploads[2]])
    #expect(try await ledger.abandonedUploads(of: runs[2].id) == [uploads[2]])
    #expect(try await ledger.abandonedUploads(of: runs[1].id).isEmpty)
  },
  Conformance("an upload to a key is known as long as it is not over, whatever becomes of its run") { ledger in
    var run = plainRun(number: 1)
    let upload = multipart(run: run.id, token: "t1")
    let isThere = { try await ledger.hasMultipartUpload(to: upload.key, at: upload.destination) }
    try await ledger.commit([.run(run)])
    #expect(try await !isThere())
    try await ledger.begin(upload)
    run.state = .failed
    try await ledger.commit([.run(run)])
    #expect(try await isThere())
    #expect(try await !ledger.hasMultipartUpload(to: ObjectKey("another"), at: upload.destination))
    #expect(try await !ledger.hasMultipartUpload(to: upload.key, at: DestinationName("another")))
    try await ledger.end(upload)
    #expect(try await !isThere())
  },
  Conformance("requests that were never answered are remembered until they need not be looked for") { ledger in
    func request(_ first: Int64, _ latest: Int64, key: [UInt8] = [0xFF, 0x0A]) -> UnansweredUpload {
      UnansweredUpload(
        destination: DestinationName("d"), key: ObjectKey(key), first: Timestamp(seconds: first),
        latest: Timestamp(seconds: latest))
    }
    #expect(try await ledger.unansweredUploads().isEmpty)
    for upload in [request(5, 5), request(3, 3), request(4, 4, key: [1]), request(5, 5)] {
      try await ledger.leave(upload)
    }
    #expect(try await ledger.unansweredUploads() == [request(4, 4, key: [1]), request(3, 5)])
    // One has been noted since whoever ends it has looked.
    try await ledger.commit([.unansweredEnded(request(3, 3)), .unansweredEnded(request(4, 4, key: [1]))])
    #expect(try await ledger.unansweredUploads() == [request(3, 5)])
    try await ledger.commit([.unansweredEnded(request(3, 5)), .unansweredEnded(request(3, 5))])
    #expect(try await ledger.unansweredUploads().isEmpty)
  },
  Conformance("nothing is recorded of a multipart upload of a run that is not known") { ledger in
    let upload = multipart(run: runID(7), token: "t")
    await #expect(throws: Failure.self) { try await ledger.begin(upload) }
    let found = try await ledger.multipartUpload(of: upload.run, upload.path, at: upload.destination)
    #expect(found == nil)
  },
]
