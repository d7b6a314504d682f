import SlipwayModel
import Testing
import WorkflowFile

@Suite("Loading a workflow file that is right")
struct LoadingTests {
  private let bundle = Bundle()

  private func absolute(_ name: String) -> BytePath { bundle.directory.appending(name) }

  @Test("Every key arrives in the configuration, paths absolute")
  func everyKey() throws {
    for name in ["a", "b", "c"] { try bundle.makeDirectory(name) }
    try bundle.write("hooks/first", mode: 0o755)
    let result = bundle.load(Self.everyKeyText)
    #expect(bundle.told(result) == [])
    let configuration = try #require(result.configuration)
    var settings = Settings()
    settings.stateDirectory = absolute("state")
    (settings.transfers, settings.trees) = (8, 2)
    (settings.rescan, settings.poll) = (.seconds(7200), .seconds(30))
    (settings.drain, settings.grace) = (.seconds(90), .milliseconds(500))
    settings.keep = .seconds(30 * 86_400)
    #expect(configuration.settings == settings)
    #expect(configuration.workflows.map(\.name.text) == ["nightly", "daily"])
    #expect(Set(configuration.destinations.keys.map(\.text)) == ["artifacts", "copy"])
    #expect(configuration.destinations[DestinationName("artifacts")] == expectedArtifacts)
    #expect(
      configuration.destinations[DestinationName("copy")]
        == Destination(
          name: DestinationName("copy"), location: at(14, 3), prefix: Array("p".utf8),
          kind: .directory(absolute("outbox"))))
    #expect(configuration.workflows.first == expectedNightly)
    #expect(configuration.workflows.last == expectedDaily)
  }

  private static let everyKeyText = #"""
    version: 1
    settings: { state_dir: state, transfers: 8, trees: 2, rescan: 2h, poll: 30s, drain: 1m30s, grace: 500ms, keep: 30d }
    destinations:
      artifacts:
        type: s3
        bucket: ci-artifacts
        prefix: /builds/x/
        region: eu-west-1
        endpoint: https://s3.example:9000/
        credentials: { access_key_id: AKIAEXAMPLE, secret_access_key: s3cr3t, session_token: '' }
        path_style: false
        insecure: true
        checksum: sha256
      copy: { type: directory, path: ./outbox, prefix: p }
    workflows:
      nightly:
        watch: [a, ./b/../b/]
        ready: { marker: .ready }
        filter: '\.(tar\.gz|json)$'
        exclude: ['(^|/)\.git/', 'tmp$']
        source_prefix: .
        target_prefix: 'nightly/{date:%Y/%m/%d}'
        destinations: [artifacts, copy]
        hooks:
          pre: [hooks/first, [./hooks/first, --deep, '', 7]]
          post:
            - run: [true, no]
              when: always
              timeout: 30s
              env: { TEAM: no, EMPTY: '' }
              pass_env: [AWS_PROFILE]
              dry_run: true
            - shell: 'echo "${HOME}" $1 $${x}'
              when: failure
            - run: hooks/first
        after: { success: delete, failure: { move: failed } }
        retry: { attempts: 3, backoff: 2s..1h30m, defer: 2m }
        commit: manifest
        stop: { marker: .complete, abort: .abort }
        started: run/started
        tests:
          - { path: x/y.json, key: 'n/{run}' }
          - { path: .git/config, skip: exclude }
      daily:
        watch: a/../a/../c
        ready: { marker: GO }
        destinations: [artifacts]
        after: { move: done }
        stop: { count: 3 }
        sidecar: .metadata
        tree_settings: true
        dry_run: true
    """#

  private var expectedArtifacts: Destination {
    var s3 = S3Destination(bucket: "ci-artifacts")
    s3.region = "eu-west-1"
    s3.endpoint = "https://s3.example:9000"
    s3.credentials = S3Destination.Keys(
      accessKeyID: "AKIAEXAMPLE", secretAccessKey: Secret("s3cr3t"), sessionToken: nil)
    s3.addressing = .virtualHost
    s3.allowsInsecure = true
    s3.checksum = .sha256
    return Destination(
      name: DestinationName("artifacts"), location: at(4, 3), prefix: Array("builds/x".utf8), kind: .s3(s3))
  }

  private var expectedNightly: Workflow {
    let program = absolute("hooks/first")
    return Workflow(
      name: WorkflowName("nightly"), location: at(16, 3),
      watch: [
        WatchDirectory(path: absolute("a"), location: at(17, 13)),
        WatchDirectory(path: absolute("b"), location: at(17, 16)),
      ],
      intake: .marker(BytePath(".ready")),
      filter: [FilterRule(pattern: #"\.(tar\.gz|json)$"#, location: at(19, 13))],
      exclude: [
        FilterRule(pattern: #"(^|/)\.git/"#, location: at(20, 15)),
        FilterRule(pattern: "tmp$", location: at(20, 30)),
      ],
      sourcePrefix: bundle.directory,
      targetPrefix: Template([.literal(Array("nightly/".utf8)), .date(format: "%Y/%m/%d")]),
      destinations: [DestinationName("artifacts"), DestinationName("copy")],
      hooks: Hooks(
        pre: [
          Hook(command: .program(program, arguments: []), location: at(25, 13)),
          Hook(command: .program(program, arguments: ["--deep", "", "7"]), location: at(25, 26)),
        ],
        post: [
          Hook(
            command: .program(BytePath("true"), arguments: ["no"]), location: at(27, 11), condition: .always,
            timeout: .seconds(30),
            environment: [EnvironmentVariable("TEAM", "no"), EnvironmentVariable("EMPTY", "")],
            passedEnvironment: ["AWS_PROFILE"], runsInDryRun: true),
          Hook(command: .shell(#"echo "${HOME}" $1 $${x}"#), location: at(33, 11), condition: .failure),
          Hook(command: .program(program, arguments: []), location: at(35, 11)),
        ]),
      after: After(success: .delete, failure: .move(absolute("failed"))),
      retry: RetryPolicy(attempts: 3, backoff: .seconds(2) ... .seconds(5400), deferral: .seconds(120)),
      commit: .manifest, stop: .markers(complete: BytePath(".complete"), abort: BytePath(".abort")),
      started: absolute("run/started"),
      tests: [
        WorkflowTest(
          path: BytePath("x/y.json"), expectation: .key(Template([.literal(Array("n/".utf8)), .run])),
          location: at(42, 9)),
        WorkflowTest(path: BytePath(".git/config"), expectation: .skip(.exclude), location: at(43, 9)),
      ])
  }

  private var expectedDaily: Workflow {
    Workflow(
      name: WorkflowName("daily"), location: at(44, 3),
      watch: [WatchDirectory(path: absolute("c"), location: at(45, 12))], intake: .marker(BytePath("GO")),
      destinations: [DestinationName("artifacts")], after: After(success: .move(absolute("done"))), stop: .count(3),
      sidecar: BytePath(".metadata"), readsTreeSettings: true, isDryRun: true)
  }

  private func at(_ line: Int, _ column: Int) -> SlipwayModel.SourceLocation {
    SlipwayModel.SourceLocation(file: "workflows.yaml", line: line, column: column)
  }

  @Test("The smallest file gets the defaults")
  func smallest() throws {
    try bundle.makeDirectory("in")
    let result = bundle.load(workflow(rest))
    #expect(bundle.told(result) == [])
    let configuration = try #require(result.configuration)
    #expect(configuration.settings == Settings())
    #expect(configuration.workflows.map(\.after) == [After()])
    #expect(configuration.workflows.map(\.retry) == [RetryPolicy()])
    #expect(configuration.workflows.map(\.hooks) == [Hooks()])
    #expect(configuration.workflows.map(\.sourcePrefix) == [nil])
  }

  @Test("An S3 server of this machine may be asked by http, without checksums")
  func localSink() throws {
    try bundle.makeDirectory("dir")
    let result = bundle.load(
      """
      version: 1
      settings: { state_dir: /x/state }
      destinations:
        sink: { type: s3, bucket: bench, prefix: x/, region: us-east-1, endpoint: 'http://127.0.0.1:9090', path_style: true, checksum: none, verify_etag: false }
      workflows:
        bench: { watch: \(bundle.path("dir")), ready: { marker: .ready }, destinations: [sink] }
      """)
    #expect(bundle.told(result) == [])
    var s3 = S3Destination(bucket: "bench")
    s3.region = "us-east-1"
    s3.endpoint = "http://127.0.0.1:9090"
    s3.addressing = .path
    s3.checksum = .none
    s3.verifyETag = false
    #expect(result.configuration?.destinations[DestinationName("sink")]?.kind == .s3(s3))
    #expect(result.configuration?.settings.stateDirectory == BytePath("/x/state"))
  }

  @Test(
    "A server that can be asked",
    arguments: [
      "http://localhost:9000", "http://127.8.9.10", "http://[::1]:80", "https://[2001:db8::1]", "https://s3.example",
      "https://s3-eu.example:65535",
    ])
  func endpoints(_ endpoint: String) throws {
    try bundle.makeDirectory("in")
    let result = bundle.load(
      workflow(rest).replacing(
        "{ type: directory, path: delivered }", with: "{ type: s3, bucket: abc, endpoint: '\(endpoint)' }"))
    #expect(bundle.told(result) == [])
  }

  @Test("What YAML 1.1 would take for a boolean or a number stays text where text is meant")
  func plainScalars() throws {
    try bundle.makeDirectory("no")
    let result = bundle.load(
      workflow("ready: { marker: on }\ndestinations: [out]\nfilter: [yes, 1e3, 010]", watch: "no"))
    #expect(bundle.told(result) == [])
    #expect(result.configuration?.workflows.first?.intake == .marker(BytePath("on")))
    #expect(result.configuration?.workflows.first?.filter.map(\.pattern) == ["yes", "1e3", "010"])
  }

  @Test("Aliases and merge keys are read; what is written out wins, then the first of a list")
  func aliases() throws {
    for name in ["in", "b"] { try bundle.makeDirectory(name) }
    let result = bundle.load(
      """
      version: 1
      destinations: { out: &out { type: directory, path: delivered }, far: { <<: *out, path: far } }
      workflows:
        w: &w
          watch: in
          ready: &ready { marker: .ready }
          destinations: &list [out]
          retry: &retry { attempts: 2, defer: 5s }
        v:
          <<: *w
          watch: b
          destinations: *list
          retry: { <<: [{ attempts: 7 }, *retry], backoff: 1s..2s }
      """)
    #expect(bundle.told(result) == [])
    let second = try #require(result.configuration?.workflows.last)
    #expect(second.name == WorkflowName("v"))
    #expect(second.watch.map(\.path) == [absolute("b")])
    #expect(second.intake == .marker(BytePath(".ready")))
    #expect(second.destinations == [DestinationName("out")])
    #expect(
      second.retry == RetryPolicy(attempts: 7, backoff: .seconds(1) ... .seconds(2), deferral: .seconds(5)))
    #expect(result.configuration?.destinations[DestinationName("far")]?.kind == .directory(absolute("far")))
  }

  @Test("Workflows that keep their files may watch one directory, or one in another")
  func overlapWithKeep() throws {
    try bundle.makeDirectory("in/deep")
    let result = bundle.load(
      """
      version: 1
      destinations: { out: { type: directory, path: delivered } }
      workflows:
        a: { watch: in, ready: { marker: .ready }, destinations: [out] }
        b: { watch: in, ready: { marker: .ready }, destinations: [out] }
        c: { watch: [in/deep, in], ready: { marker: .ready }, destinations: [out], after: { success: keep } }
      """)
    #expect(bundle.told(result) == [])
    #expect(result.configuration?.workflows.count == 3)
  }

  @Test("A destination may name a profile in place of keys")
  func profile() throws {
    try bundle.makeDirectory("in")
    let s3 = "{ type: s3, bucket: abc, credentials: { profile: '${WHO:-ci bot}' } }"
    let result = bundle.load(workflow(rest).replacing("{ type: directory, path: delivered }", with: s3))
    #expect(bundle.told(result) == [])
    var expected = S3Destination(bucket: "abc")
    expected.profile = "ci bot"
    #expect(result.configuration?.destinations.values.map(\.kind) == [.s3(expected)])
  }

  @Test("A byte order mark in front is no part of the first key")
  func byteOrderMark() throws {
    try bundle.makeDirectory("in")
    let result = bundle.load([0xEF, 0xBB, 0xBF] + Array(workflow(rest).utf8))
    #expect(bundle.told(result) == [])
  }

  @Test("A path in a file of another directory is relative to that file, whatever links lead elsewhere")
  func relativeToFile() throws {
    try bundle.makeDirectory("etc/in")
    try bundle.write("etc/w.yaml", workflow(rest))
    let result = bundle.loader.load([BytePath("etc/w.yaml")])
    #expect(bundle.told(result) == [])
    #expect(result.configuration?.workflows.first?.watch.first?.path == absolute("etc/in"))
    #expect(result.configuration?.workflows.first?.location.file == "etc/w.yaml")
  }

  @Test("A bare hook name is looked up in PATH and stays bare; relative directories in PATH are left out")
  func hookFromPath() throws {
    try bundle.makeDirectory("in")
    try bundle.write("bin/mine", mode: 0o755)
    bundle.environment["PATH"] = "/nowhere::\(bundle.path("bin"))"
    let text = workflow(rest + "\nhooks: { post: [[mine, x]] }")
    let result = bundle.load(text)
    #expect(bundle.told(result) == [])
    #expect(
      result.configuration?.workflows.first?.hooks.post.map(\.command) == [
        .program(BytePath("mine"), arguments: ["x"])
      ])
    bundle.environment["PATH"] = "bin"
    #expect(
      bundle.heads(bundle.load(text)) == [
        "workflows.yaml:8:22: error: the hook 'mine' is not in PATH or cannot be executed"
      ])
  }
}
