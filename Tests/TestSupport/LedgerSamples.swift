import SlipwayModel

// What the ledger's contract is checked with: every case, and values that a careless column would not hold.

let someMarker = MarkerIdentity(inode: 0xFFFF_FFFF_FFFF_FFF0, modified: -5)

let oddTree = TreeID(
  workflow: WorkflowName("w"), watch: BytePath([0x2F, 0xFF]), name: BytePath([0x65, 0xCC, 0x81, 0x0A, 0x27]))

let everyState: [RunState] =
  [.ready, .preparing, .uploading, .uploaded, .finishing, .retiring, .done, .failed, .skipped, .cancelled]
  + [RunState.Stage.prepare, .upload, .finish, .retire].flatMap { stage in
    [true, false].map { isDeferral in
      .waiting(
        RunState.Waiting(
          stage: stage, until: Timestamp(nanoseconds: .max - 1), why: "it's \u{0} \"later\"\n", isDeferral: isDeferral))
    }
  }

let everyEnding: [HookResult?] = [
  nil,
  HookResult(ending: .exited(0), output: [], duration: .zero),
  HookResult(ending: .exited(255), output: [0x00, 0xFF, 0x0A], duration: .seconds(3) + .nanoseconds(7)),
  HookResult(ending: .signalled(9), output: [], duration: Duration(secondsComponent: 1, attosecondsComponent: 1)),
  HookResult(ending: .timedOut, output: [], duration: .seconds(600)),
  HookResult(ending: .cancelled, output: [], duration: .milliseconds(5)),
  HookResult(ending: .couldNotStart("no such file"), output: [], duration: .zero),
]

func runID(_ number: Int) -> RunID {
  RunID(at: Timestamp(seconds: Int64(1_700_000_000 + number)), entropy: (7, UInt64(number)))
}

func plainRun(number: Int, workflow: String = "nightly") -> Run {
  let tree = TreeID(workflow: WorkflowName(workflow), watch: BytePath("/srv/out"), name: BytePath("tree-\(number)"))
  return Run(id: runID(number), tree: tree, marker: nil, created: Timestamp(seconds: Int64(number)))
}

/// Nothing in it is nil or empty.
func fullRun(number: Int) -> Run {
  var run = Run(id: runID(number), tree: oddTree, marker: someMarker, created: Timestamp(nanoseconds: .min))
  run.outcome = number.isMultiple(of: 2) ? .success : .failure
  run.failedStage = [.prepare, .upload, .finish, .retire][number % 4]
  run.attempt = 3
  run.failures = 2
  run.error = "cannot upload 'x'\u{0}: é e\u{301}"
  run.targetPrefix = number.isMultiple(of: 3) ? [] : [0xFF, 0x00, 0x2F]
  run.output.tags = ["team": "ci", "": "empty", "e\u{301}": "\u{0}"]
  run.output.metadata = ["team": "other", "line": "a\nb=c"]
  run.output.targetPrefix = [0x00, 0xC3]
  let file = "/srv/e\u{301}/.slipway.yaml"
  run.settings.filter = [2, 10].map { line in
    FilterRule(pattern: "^a\u{0}\(line)$", location: SourceLocation(file: file, line: line, column: 3))
  }
  run.settings.exclude = [
    FilterRule(pattern: "^a", location: SourceLocation(file: file, line: 2, column: 3)),
    FilterRule(pattern: "^a", location: SourceLocation(file: file, line: 2, column: 20)),
  ]
  run.settings.targetPrefix = Array("é/x".utf8)
  run.settings.tags = ["team": "tree", "": "empty"]
  run.settings.metadata = ["team": "tree"]
  run.updated = Timestamp(nanoseconds: 1_700_000_000_123_456_789)
  return run
}

func upload(
  run: RunID, path: BytePath, destination: String = "artifacts", key: String? = nil, status: UploadRecord.Status? = nil
) -> UploadRecord {
  UploadRecord(
    run: run, destination: DestinationName(destination), path: path,
    fingerprint: Fingerprint(device: 65_025, inode: 77, size: 10, modified: 1_000_000_007, changed: 1_000_000_009),
    key: ObjectKey(key.map { Array($0.utf8) } ?? Array("\(destination)/prefix/".utf8) + path.bytes),
    status: status ?? .proven(PutReceipt(size: 10, etag: "", checksum: nil)))
}

func upload(
  run: RunID, path: String, destination: String = "artifacts", key: String? = nil, status: UploadRecord.Status? = nil
) -> UploadRecord {
  upload(run: run, path: BytePath(path), destination: destination, key: key, status: status)
}

/// Every status, with keys that end in the path and keys that do not.
func everyUpload(of run: RunID) -> [UploadRecord] {
  let md5 = Checksum(algorithm: .md5, value: (0..<16).map { 0x0F &* $0 })
  let sha256 = Checksum(algorithm: .sha256, value: (0..<32).map { 0xF1 &* $0 })
  let crc64 = Checksum(algorithm: .crc64nvme, value: [0xAE, 0x8B, 0x14, 0x86, 0x0A, 0x79, 0x98, 0x88])
  let crc32 = Checksum(algorithm: .crc32c, value: [0xE3, 0x06, 0x92, 0x83])
  let statuses: [UploadRecord.Status] = [
    .proven(PutReceipt(size: 10, etag: md5.hexadecimalValue, checksum: md5)),
    .proven(PutReceipt(size: 10, etag: md5.hexadecimalValue.uppercased(), checksum: md5)),
    .proven(PutReceipt(size: 10, etag: "0123456789abcdef-7", checksum: md5)),
    .proven(PutReceipt(size: 11, etag: "", checksum: sha256)),
    .proven(PutReceipt(size: 10, etag: "e-1", checksum: crc64)),
    .proven(PutReceipt(size: 10, etag: "e-1", checksum: crc32)),
    .proven(PutReceipt(size: 10, etag: "\"e\u{301}", checksum: nil)),
    .proven(PutReceipt(size: 10, etag: "", checksum: nil)),
    .proven(PutReceipt(size: 10, etag: md5.hexadecimalValue, checksum: md5, isSent: false)),
    .proven(PutReceipt(size: 0, etag: "", checksum: Checksum(algorithm: .md5, value: []))),
    .failed("", isPermanent: false),
    .failed("access denied\n", isPermanent: true),
  ]
  let names: [[UInt8]] = [[0x61], [0xC3, 0xA9], [0x65, 0xCC, 0x81], [0xFF, 0x0A, 0x27], [0x2D, 0x2D, 0x20], [0x62]]
  let keys: [@Sendable ([UInt8]) -> [UInt8]] = [
    { Array("builds/nightly/".utf8) + $0 }, { $0 }, { _ in Array("else".utf8) }, { _ in [] }, { $0 + [0x78] },
  ]
  var records: [UploadRecord] = []
  for (index, status) in statuses.enumerated() {
    for (number, name) in names.enumerated() {
      let path = BytePath(Array("\(index)/".utf8) + name)
      let extreme = number.isMultiple(of: 2)
      records.append(
        UploadRecord(
          run: run, destination: DestinationName(extreme ? "a" : "b"), path: path,
          fingerprint: Fingerprint(
            device: extreme ? .max : 0, inode: extreme ? .max : 1, size: 10, modified: extreme ? .min : 5,
            changed: extreme ? .max : 5),
          key: ObjectKey(keys[(index + number) % keys.count](path.bytes)), status: status))
    }
  }
  return records
}

func hook(run: RunID, _ name: String, _ result: HookResult?) -> HookRecord {
  HookRecord(
    run: run, phase: .post, hook: name, attempt: 2, started: Timestamp(nanoseconds: 1_700_000_000_000_000_001),
    result: result)
}

/// The order that the ledger gives them in.
func sorted(_ records: [UploadRecord]) -> [UploadRecord] {
  records.sorted { $0.path == $1.path ? $0.destination < $1.destination : $0.path < $1.path }
}

func multipart(run: RunID, token: String) -> MultipartUpload {
  MultipartUpload(
    run: run, destination: DestinationName("artifacts"), path: BytePath([0x61, 0xFF]), key: ObjectKey("prefix/\u{0}"),
    fingerprint: Fingerprint(device: .max, inode: 77, size: 6 << 30, modified: -1, changed: .max), token: token,
    partSize: 16 << 20, begun: Timestamp(nanoseconds: 1_700_000_000_123_456_789))
}
