import Logging
import SlipwayModel
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("Multipart uploads of runs that are over")
struct UploadReaperTests {
  private func upload(
    _ run: Run, at destination: String = "a", path: String = "big", begun: Timestamp = Timestamp(seconds: 1)
  ) -> MultipartUpload {
    MultipartUpload(
      run: run.id, destination: DestinationName(destination), path: BytePath(path), key: ObjectKey("t/\(path)"),
      fingerprint: Fingerprint(device: 1, inode: 2, size: 3, modified: 4, changed: 5), token: "t", partSize: 1,
      begun: begun, id: MultipartUpload.ID("id"))
  }

  private func deadRun(_ world: EngineWorld) async throws -> Run {
    var run = Run(
      id: RunID(at: Timestamp(seconds: 1), entropy: (1, 1)), tree: world.tree("old"), marker: nil,
      created: Timestamp(seconds: 1))
    run.state = .failed
    try await world.ledger.commit([.run(run)])
    return run
  }

  @Test("are ended at the next start, once")
  func atStart() async throws {
    let world = try EngineWorld()
    let upload = upload(try await deadRun(world))
    try await world.ledger.begin(upload)
    try await world.process()
    #expect(world.store().abandoned == [upload])
    try await world.process()
    #expect(world.store().abandoned == [upload])
    let left = try await world.ledger.abandonedUploads(of: nil)
    #expect(left.isEmpty)
  }

  @Test("stay in the ledger where the destination refuses, which is told and no failure of a run")
  func refused() async throws {
    let world = try EngineWorld()
    let upload = upload(try await deadRun(world))
    try await world.ledger.begin(upload)
    world.store().fail(
      upload.key, with: Failure(.blocked, "abort the upload of", "s3://b/t/big", cause: "no"))
    let summary = try await world.process()
    #expect(summary.failed.isEmpty)
    #expect(world.log.messages(at: .warning) == ["cannot abort the upload of s3://b/t/big: no"])
    let left = try await world.ledger.abandonedUploads(of: nil)
    #expect(left == [upload])
  }

  @Test("are asked for once where the destination refuses or does not answer, so that nobody waits for it")
  func unreachable() async throws {
    let world = try EngineWorld()
    let run = try await deadRun(world)
    for name in ["one", "two", "three"] {
      let one = upload(run, path: name)
      try await world.ledger.begin(one)
      world.store().fail(one.key, with: Failure(.transient(retryAfter: nil), "reach", name, cause: "no route"))
    }
    try await world.process()
    #expect(world.log.messages(at: .warning).count == 1)
    let left = try await world.ledger.abandonedUploads(of: nil)
    #expect(left.count == 3)
  }

  @Test("are ended with the run that began them")
  func atTheEndOfARun() async throws {
    let begin = Mutex<(@Sendable () async -> Void)?>(nil)
    let world = try EngineWorld(gate: { _ in await begin.withLock { $0 }?() })
    try world.makeReady("t", ["big": "content"])
    world.store().failAll(with: Failure(.permanent, "upload", "big", cause: "no"), times: 1)
    begin.withLock {
      $0 = {
        // A run that is missing would show in what the test expects.
        guard let run = try? await world.latest("t") else { return }
        try? await world.ledger.begin(upload(run))
      }
    }
    try await world.process()
    let run = try #require(try await world.latest("t"))
    #expect(run.state == .failed)
    #expect(world.store().abandoned.map(\.run) == [run.id])
  }

  @Test("without an ID are looked for at the end of a process that looks once, and as long as they may still come")
  func unanswered() async throws {
    let world = try EngineWorld()
    var upload = upload(try await deadRun(world), begun: world.clock.now())
    upload.id = nil
    try await world.ledger.begin(upload)
    let request = UnansweredUpload(upload)
    for looks in 1...2 {
      try await world.process(standsStill: true)
      #expect(world.store().abandoned == [] && world.store().swept == Array(repeating: request, count: looks))
      let known = try await world.ledger.abandonedUploads(of: nil)
      let left = try await world.ledger.unansweredUploads()
      #expect(known.isEmpty && left == [request])
    }
    world.clock.advance(by: UnansweredUpload.reach + .seconds(1))
    for _ in 1...2 { try await world.process() }
    #expect(world.store().swept.count == 3)
    let left = try await world.ledger.unansweredUploads()
    #expect(left.isEmpty)
  }

  @Test("without an ID wait while another upload of their key goes on")
  func unansweredInUse() async throws {
    let world = try EngineWorld()
    let run = try await deadRun(world)
    let other = upload(run, at: "a")
    let request = UnansweredUpload(other)
    try await world.ledger.leave(request)
    try await world.ledger.begin(other)
    let reaper = UploadReaper(ports: try world.ports(world.ledger), logger: world.log.logger)
    try await reaper.sweep()
    let waiting = try await world.ledger.unansweredUploads()
    #expect(world.store().swept == [] && waiting == [request])
    try await world.ledger.end(other)
    try await reaper.sweep()
    let left = try await world.ledger.unansweredUploads()
    #expect(world.store().swept == [request] && left.isEmpty)
  }

  @Test("without an ID are looked for again where the destination did not answer, and not where it refuses for good")
  func unansweredFailures() async throws {
    let world = try EngineWorld()
    let moment = world.clock.now() + (.zero - UnansweredUpload.reach - .seconds(1))
    let request = UnansweredUpload(
      destination: DestinationName("a"), key: ObjectKey("t/big"), first: moment, latest: moment)
    try await world.ledger.leave(request)
    let cases: [(kind: Failure.Kind, code: String, count: Int)] = [
      (.transient(retryAfter: nil), "", 1), (.blocked, "NoSuchBucket", 1), (.blocked, "AccessDenied", 0),
      (.permanent, "", 0),
    ]
    for (kind, code, count) in cases {
      try await world.ledger.leave(request)
      world.store().fail(request.key, with: Failure(kind, "list the uploads of", "s3://b", code: code, cause: "no"))
      try await world.process()
      let left = try await world.ledger.unansweredUploads()
      #expect(left.count == count)
    }
    #expect(world.log.messages(at: .warning).count == cases.count)
    try await world.ledger.leave(request)
    world.store().fail(request.key, with: Failure(.blocked, "list", "s3://b", code: "NoSuchBucket", cause: "no"))
    world.clock.advance(by: UnansweredUpload.patience)
    try await world.process()
    let left = try await world.ledger.unansweredUploads()
    #expect(left.isEmpty)
  }

  @Test("without an ID are looked for again and again while the service runs")
  func unansweredInService() async throws {
    let world = try EngineWorld()
    let moment = world.clock.now()
    let request = UnansweredUpload(
      destination: DestinationName("a"), key: ObjectKey("t/big"), first: moment, latest: moment)
    try await world.ledger.leave(request)
    try await world.process(mode: .service) { orchestrator in
      while await !((try? world.ledger.unansweredUploads())?.isEmpty ?? true) { await Task.yield() }
      await orchestrator.stop()
    }
    let looks = world.store().swept
    #expect(looks.count >= 2 && looks.allSatisfy { $0 == request })
  }

  @Test("are left alone where their destination is no longer in the file")
  func unknownDestination() async throws {
    let world = try EngineWorld()
    let upload = upload(try await deadRun(world), at: "gone")
    try await world.ledger.begin(upload)
    try await world.process()
    let left = try await world.ledger.abandonedUploads(of: nil)
    #expect(left == [upload])
  }
}
