import SlipwayModel
import Testing
import WorkflowFile

@Suite("The options of an S3 destination")
struct S3OptionTests {
  private let bundle = Bundle()

  private func load(_ options: String) throws -> LoadResult {
    try bundle.makeDirectory("in")
    return bundle.load(
      workflow(rest).replacing("{ type: directory, path: delivered }", with: "{ type: s3, bucket: abc, \(options) }"))
  }

  /// Columns count from the beginning of the options.
  private func check(_ options: String, _ heads: [String]) throws {
    let expected = heads.map { head in
      let parts = head.split(separator: ":", maxSplits: 1)
      return "workflows.yaml:2:\((Int(parts[0]) ?? 0) + 46):\(parts[1])"
    }
    #expect(bundle.heads(try load(options)) == expected)
  }

  private func settings(_ options: String) throws -> S3Destination {
    let result = try load(options)
    #expect(bundle.told(result) == [])
    guard case .s3(let settings)? = result.configuration?.destinations[DestinationName("out")]?.kind else {
      throw NoSettings()
    }
    return settings
  }

  private struct NoSettings: Error {}

  @Test("Every option arrives in the configuration")
  func every() throws {
    bundle.environment["TEAM"] = "ci"
    var expected = S3Destination(bucket: "abc")
    expected.server = .ceph
    expected.transfers = 8
    expected.bandwidth = 50 << 20
    expected.multipartThreshold = 100_000_000
    expected.partSize = 8 << 20
    expected.overwrite = .different
    expected.storageClass = "STANDARD_IA"
    expected.acl = "bucket-owner-full-control"
    expected.encryption = S3Destination.Encryption(kind: .kms, keyID: "arn:aws:kms:eu-west-1:1:key/a")
    expected.tags = ["team": "ci", "empty": "", "größe": "a b"]
    expected.metadata = ["origin": "build no. 7"]
    expected.headers = [
      S3Destination.HeaderRule(
        pattern: #"\.html$"#,
        fields: [.init(name: "content-type", value: "text/html"), .init(name: "cache-control", value: "no-cache")]),
      S3Destination.HeaderRule(
        pattern: #"\.gz$"#,
        fields: [
          .init(name: "content-encoding", value: "gzip"), .init(name: "content-disposition", value: "attachment"),
          .init(name: "content-language", value: "de"),
          .init(name: "expires", value: "Wed, 21 Oct 2026 07:28:00 GMT"),
        ]),
    ]
    expected.paysAsRequester = true
    expected.expectedBucketOwner = "012345678901"
    #expect(
      try settings(
        #"""
        server: ceph, transfers: 8, bandwidth: 50MiB/s, multipart_threshold: 100MB, part_size: 8MiB, overwrite: different, storage_class: STANDARD_IA, acl: bucket-owner-full-control, sse: { type: aws:kms, kms_key_id: 'arn:aws:kms:eu-west-1:1:key/a' }, tags: { team: '${TEAM}', empty: '', größe: a b }, metadata: { Origin: build no. 7 }, headers: [{ match: '\.html$', cache_control: no-cache, content_type: text/html }, { match: '\.gz$', expires: 'Wed, 21 Oct 2026 07:28:00 GMT', content_language: de, content_disposition: attachment, content_encoding: gzip }], requester_pays: true, expected_bucket_owner: '012345678901'
        """#) == expected)
  }

  @Test("Sizes and rates at their bounds", arguments: ["5MiB", "5120KiB", "5242880B", "5GiB"])
  func bounds(_ size: String) throws {
    let settings = try settings("part_size: \(size), multipart_threshold: \(size)")
    #expect(settings.partSize == (size == "5GiB" ? 5 << 30 : 5 << 20))
    #expect(settings.multipartThreshold == settings.partSize)
  }

  @Test("A bandwidth over all workflows stands in the settings")
  func bandwidth() throws {
    try bundle.makeDirectory("in")
    let result = bundle.load(workflow(rest) + "\nsettings: { bandwidth: 2kB/s }")
    #expect(bundle.told(result) == [])
    #expect(result.configuration?.settings.bandwidth == 2000)
  }

  private static let sizes = "a size with a unit (B, KiB, MiB, GiB, kB, MB, GB and so on), as in 16MiB"

  @Test(
    "Values that are out of their bounds or no values at all",
    arguments: [
      ("transfers: 0", ["12: error: expected a whole number from 1 to 1024, found '0'"]),
      ("transfers: 1025", ["12: error: expected a whole number from 1 to 1024, found '1025'"]),
      ("bandwidth: 50MiB", ["12: error: expected a size per second, as in 50MiB/s, found '50MiB'"]),
      ("bandwidth: 1000B/s", ["12: error: expected a rate from 1KiB/s to 1TiB/s, found '1000B/s'"]),
      ("part_size: 16", ["12: error: expected \(sizes), found '16'"]),
      ("part_size: 1.5GiB", ["12: error: expected \(sizes), found '1.5GiB'"]),
      ("part_size: -5GiB", ["12: error: expected \(sizes), found '-5GiB'"]),
      ("part_size: 99999999999999999999B", ["12: error: expected \(sizes), found '99999999999999999999B'"]),
      ("part_size: 9999999TiB", ["12: error: expected \(sizes), found '9999999TiB'"]),
      ("part_size: 5242879B", ["12: error: expected a size from 5MiB to 5GiB, found '5242879B'"]),
      ("multipart_threshold: 6GiB", ["22: error: expected a size from 5MiB to 5GiB, found '6GiB'"]),
      ("overwrite: sometimes", ["12: error: expected always, different or never, found 'sometimes'"]),
      ("server: gcs", ["9: error: expected aws, ceph, minio, r2 or b2, found 'gcs'"]),
      ("requester_pays: yes", ["17: error: expected true or false, found 'yes'"]),
      (
        "expected_bucket_owner: 1234", ["24: error: expected the twelve digits of an AWS account, found '1234'"]
      ),
      (
        "storage_class: 'a b'",
        ["16: error: a storage class has at most 64 letters, digits, '_' and '-', found 'a b'"]
      ),
      (
        "acl: public",
        [
          "6: error: expected private, public-read, public-read-write, authenticated-read, aws-exec-read, "
            + "bucket-owner-read or bucket-owner-full-control, found 'public'"
        ]
      ),
      ("sse: AES256", ["6: error: expected a mapping, found text"]),
      ("sse: {}", ["1: error: missing key 'type'"]),
      ("sse: { type: aes }", ["14: error: expected AES256, aws:kms or aws:kms:dsse, found 'aes'"]),
      (
        "sse: { type: AES256, kms_key_id: x }",
        ["22: error: with AES256 S3 has a key of its own; remove 'kms_key_id'"]
      ),
      (
        "sse: { type: aws:kms, kms_key_id: a b }",
        ["35: error: the ID of a key has at most 2048 printable ASCII characters and no blanks"]
      ),
    ] as [Case])
  func values(_ options: String, _ heads: [String]) throws { try check(options, heads) }

  @Test(
    "Tags and metadata that S3 would not take",
    arguments: [
      ("tags: [a]", ["7: error: expected a mapping, found a list"]),
      ("tags: { a: [b] }", ["12: error: expected text, found a list"]),
      (
        "tags: { \((0..<11).map { "a\($0): b" }.joined(separator: ", ")) }",
        ["7: error: an object has at most 10 tags, found 11"]
      ),
      ("tags: { aws:x: b }", ["9: error: the name of a tag does not begin with 'aws:': 'aws:x'"]),
      (
        "tags: { b: \(String(repeating: "x", count: 257)) }",
        ["9: error: the value of a tag has at most 256 characters: 'b'"]
      ),
      (
        "tags: { \(String(repeating: "x", count: 129)): b }",
        [
          "9: error: the name of a tag has at most 128 characters: '\(String(repeating: "x", count: 80))…'"
        ]
      ),
      ("tags: { a: \"x\\ty\" }", ["9: error: a tag has no control characters: 'a'"]),
      (
        "metadata: { 'a b': c }",
        ["13: error: the name of metadata has only letters, digits, '.', '_' and '-': 'a b'"]
      ),
      (
        "metadata: { a: ü }",
        ["13: error: the value of metadata has only printable ASCII characters, none of them a space at an end: 'a'"]
      ),
      (
        "metadata: { a: \"x\\ny\" }",
        ["13: error: the value of metadata has only printable ASCII characters, none of them a space at an end: 'a'"]
      ),
      ("metadata: { Slipway-Token: x }", ["13: error: this name of metadata is Slipway's own: 'Slipway-Token'"]),
      ("metadata: { a: b, A: c }", ["11: error: the metadata 'a' is there twice: capitals mean nothing"]),
      (
        "metadata: { a: \(String(repeating: "x", count: 2048)) }",
        ["11: error: the metadata has at most 1986 bytes beside Slipway's own, this one has 2049"]
      ),
    ] as [Case])
  func attributes(_ options: String, _ heads: [String]) throws { try check(options, heads) }

  @Test(
    "Header rules that say nothing right",
    arguments: [
      ("headers: { match: a }", ["10: error: expected a list, found a mapping"]),
      ("headers: [{ content_type: a }]", ["11: error: missing key 'match'"]),
      (
        "headers: [{ match: a }]",
        [
          "11: error: the rule says nothing; it takes content_type, cache_control, content_encoding, "
            + "content_disposition, content_language or expires"
        ]
      ),
      (
        "headers: [{ match: 'a(', expires: x }]",
        ["20: error: bad regular expression at offset 2: missing closing parenthesis"]
      ),
      (
        "headers: [{ match: a, contenttype: x, expires: y }]",
        ["23: error: unknown key 'contenttype'; did you mean 'content_type'?"]
      ),
      (
        "headers: [{ match: a, content_type: \"x\\r\\ny: z\" }]",
        ["37: error: a header's value has at most 1024 printable ASCII characters, and no blanks at its ends"]
      ),
      (
        "headers: [{ match: a, content_type: ' x' }]",
        ["37: error: a header's value has at most 1024 printable ASCII characters, and no blanks at its ends"]
      ),
    ] as [Case])
  func headers(_ options: String, _ heads: [String]) throws { try check(options, heads) }

  @Test("More rules than an object's key may be searched for are too many")
  func manyRules() throws {
    let rules = [String](repeating: "{ match: a, expires: x }", count: 101).joined(separator: ", ")
    try check("headers: [\(rules)]", ["10: error: there are at most 100 rules, found 101"])
  }

  @Test(
    "Options that contradict one another, or the server",
    arguments: [
      (
        "verify_etag: true, sse: { type: aws:kms }",
        ["14: error: with sse type aws:kms an ETag is not the MD5 of what was sent; remove verify_etag"]
      ),
      ("verify_etag: true, sse: { type: AES256 }", []),
      ("verify_etag: false, sse: { type: aws:kms:dsse }", []),
      (
        "overwrite: different, checksum: none",
        ["12: error: with checksum: none there is nothing by which an object could be seen to be equal"]
      ),
      ("overwrite: different, checksum: none, verify_etag: true", []),
      ("server: r2, tags: { a: b }", ["13: error: objects have no tags, as far as is known of server: r2"]),
      (
        "server: minio, acl: private",
        ["16: error: objects have no ACL of their own, as far as is known of server: minio"]
      ),
      (
        "server: b2, checksum: sha256",
        ["13: error: sha256 is refused, and md5 would do, as far as is known of server: b2"]
      ),
      (
        "server: b2, overwrite: never",
        ["13: error: nothing keeps a PUT from overwriting, as far as is known of server: b2"]
      ),
      ("server: b2, overwrite: different", []),
      ("server: aws, tags: { a: b }, acl: private, overwrite: never, checksum: crc32c", []),
    ] as [Case])
  func contradictions(_ options: String, _ heads: [String]) throws { try check(options, heads) }
}
