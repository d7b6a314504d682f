import SlipwayModel
import Testing
import WorkflowFile

@Suite("Loading a workflow file that is right")
struct LoadingTests {
  private let bundle = Bundle()

  private func absolute(_ name: String) -> BytePath { bundle.directory.appending(name) }

  @Test("Every key arrives in the configuration, paths absolute")
  func everyKey() throws {
    try bundle.makeDirectory("a")
    try bundle.makeDirectory("b")
    try bundle.write("hooks/first", mode: 0o755)
    let result = bundle.load(
      #"""
      version: 1
      settings: { state_dir: state, transfers: 8, trees: 2, drain: 1m30s, grace: 500ms }
      destinations:
        artifacts:
          type: s3
          bucket: ci-artifacts
          prefix: /builds/x/
          region: eu-west-1
          endpoint: https://s3.example:9000/
          credentials: { access_key_id: AKIAEXAMPLE, secret_access_key: s3cr3t, session_token: '' }
          path_style: false
          insecure: false
          checksum: sha256
          verify_etag: true
        copy: { type: directory, path: ./outbox, prefix: p }
      workflows:
        nightly:
          watch: [a, ./b/../b/]
          ready: { marker: .ready }
          filter: '\.(tar\.gz|json)$'
          exclude: ['(^|/)\.git/', 'tmp$']
          source_prefix: .
          target_prefix: 'nightly/{date:%Y/%m/%d}/{workflow}'
          destinations: [artifacts, copy]
          hooks:
            pre: [hooks/first, [hooks/first, --deep, '7']]
            post:
              - run: [true, no]
                when: always
                timeout: 30s
                env: { TEAM: no }
                pass_env: [AWS_PROFILE]
                dry_run: true
              - shell: 'echo "${HOME}" $1'
                when: failure
              - run: hooks/first
          after: { success: delete, failure: { move: failed } }
          retry: { attempts: 3, backoff: 2s..1h30m, defer: 2m }
          stop: { marker: .complete, abort: .abort }
          started: run/started
          tests:
            - { path: x/y.json, key: 'nightly/{date:%Y}/x/y.json' }
            - { path: .git/config, skip: exclude }
        daily:
          watch: a/../a/../c
          ready: { marker: GO }
          destinations: [copy]
          after: { move: done }
          stop: { count: 3 }
      """#)
    #expect(bundle.heads(result) == [#"workflows.yaml:43:12: error: the watched directory '$D/c' does not exist"#])
    try bundle.makeDirectory("c")
  }
}
