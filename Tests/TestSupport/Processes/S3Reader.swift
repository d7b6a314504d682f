import Foundation
import SlipwayModel

/// Another S3 client, boto3, that reads back what was sent, and makes buckets. It signs, encodes and parses with code
/// that is not ours.
package struct S3Reader: Sendable {
  package struct Object: Sendable, Equatable {
    package let key: [UInt8]
    package let size: Int64
    /// Without quotes.
    package let etag: String
  }

  package struct Content: Sendable, Equatable {
    package let bytes: [UInt8]
    package let etag: String
    package let type: String
    package let metadata: [String: String]
  }

  /// What an object has beside its content.
  package struct Properties: Sendable, Equatable {
    /// Header fields in lowercase, as the server gives them back.
    package let headers: [String: String]
    package let metadata: [String: String]
    package let tags: [String: String]
    /// Whom the ACL lets do what, its owner left out: `AllUsers READ`.
    package let grants: [String]
  }

  package let endpoint: String
  package let accessKeyID: String
  package let secretAccessKey: String
  /// A program to look up in PATH, or a path.
  private let python: String

  package init(endpoint: String, accessKeyID: String, secretAccessKey: String, python: String? = nil) {
    self.endpoint = endpoint
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.python = python ?? ProcessInfo.processInfo.environment["SLIPWAY_TEST_PYTHON"] ?? "python3"
  }

  /// The real server that `Tests/run` started; nil where there is none.
  package static var realServer: S3Reader? {
    let environment = ProcessInfo.processInfo.environment
    guard let endpoint = environment["SLIPWAY_TEST_S3"], let id = environment["SLIPWAY_TEST_S3_ACCESS_KEY"],
      let secret = environment["SLIPWAY_TEST_S3_SECRET_KEY"]
    else { return nil }
    return S3Reader(endpoint: endpoint, accessKeyID: id, secretAccessKey: secret)
  }

  package func makeBucket(_ bucket: String) async throws {
    _ = try await call("s3.create_bucket(Bucket=arguments['bucket'])\nresult = {}", ["bucket": bucket])
  }

  /// In the server's order.
  package func list(_ bucket: String, prefix: String = "") async throws -> [Object] {
    let result = try await call(
      """
      result = []
      for page in s3.get_paginator('list_objects_v2').paginate(Bucket=arguments['bucket'], Prefix=arguments['prefix']):
        for o in page.get('Contents', []):
          result.append({'key': o['Key'].encode().hex(), 'size': o['Size'], 'etag': o['ETag'].strip('"')})
      """, ["bucket": bucket, "prefix": prefix])
    return (result as? [[String: Any]] ?? []).map {
      Object(
        key: Self.bytes($0["key"]), size: ($0["size"] as? NSNumber)?.int64Value ?? -1,
        etag: $0["etag"] as? String ?? "")
    }
  }

  package func keys(_ bucket: String, prefix: String = "") async throws -> [[UInt8]] {
    try await list(bucket, prefix: prefix).map(\.key)
  }

  package func get(_ bucket: String, _ key: [UInt8]) async throws -> Content {
    let result = try await call(
      """
      o = s3.get_object(Bucket=arguments['bucket'], Key=bytes.fromhex(arguments['key']).decode())
      result = {'bytes': o['Body'].read().hex(), 'etag': o['ETag'].strip('"'), 'type': o['ContentType'],
        'metadata': o['Metadata']}
      """, ["bucket": bucket, "key": hexadecimal(key)])
    let fields = result as? [String: Any] ?? [:]
    return Content(
      bytes: Self.bytes(fields["bytes"]), etag: fields["etag"] as? String ?? "", type: fields["type"] as? String ?? "",
      metadata: fields["metadata"] as? [String: String] ?? [:])
  }

  package func properties(_ bucket: String, _ key: [UInt8]) async throws -> Properties {
    let result = try await call(
      """
      place = {'Bucket': arguments['bucket'], 'Key': bytes.fromhex(arguments['key']).decode()}
      head = s3.head_object(**place)
      grants = s3.get_object_acl(**place)['Grants']
      result = {'headers': head['ResponseMetadata']['HTTPHeaders'], 'metadata': head['Metadata'],
        'tags': {t['Key']: t['Value'] for t in s3.get_object_tagging(**place)['TagSet']},
        'grants': [g['Grantee']['URI'].split('/')[-1] + ' ' + g['Permission'] for g in grants if 'URI' in g['Grantee']]}
      """, ["bucket": bucket, "key": hexadecimal(key)])
    let fields = result as? [String: Any] ?? [:]
    return Properties(
      headers: fields["headers"] as? [String: String] ?? [:], metadata: fields["metadata"] as? [String: String] ?? [:],
      tags: fields["tags"] as? [String: String] ?? [:], grants: fields["grants"] as? [String] ?? [])
  }

  /// An object's tags alone, which every server here knows.
  package func tags(_ bucket: String, _ key: [UInt8]) async throws -> [String: String] {
    let result = try await call(
      """
      found = s3.get_object_tagging(Bucket=arguments['bucket'], Key=bytes.fromhex(arguments['key']).decode())
      result = {t['Key']: t['Value'] for t in found['TagSet']}
      """, ["bucket": bucket, "key": hexadecimal(key)])
    return result as? [String: String] ?? [:]
  }

  package func put(_ bucket: String, _ key: [UInt8], _ content: [UInt8]) async throws {
    _ = try await call(
      """
      s3.put_object(Bucket=arguments['bucket'], Key=bytes.fromhex(arguments['key']).decode(),
        Body=bytes.fromhex(arguments['content']), Metadata={'from': 'boto3'})
      result = {}
      """, ["bucket": bucket, "key": hexadecimal(key), "content": hexadecimal(content)])
  }

  package func delete(_ bucket: String, _ key: [UInt8]) async throws {
    _ = try await call(
      "s3.delete_object(Bucket=arguments['bucket'], Key=bytes.fromhex(arguments['key']).decode())\nresult = {}",
      ["bucket": bucket, "key": hexadecimal(key)])
  }

  /// Lets everybody read the bucket's objects, for `getOpenly`.
  package func openToAll(_ bucket: String) async throws {
    _ = try await call(
      """
      everybody = {'Effect': 'Allow', 'Principal': '*', 'Action': 's3:GetObject',
        'Resource': 'arn:aws:s3:::' + arguments['bucket'] + '/*'}
      s3.put_bucket_policy(Bucket=arguments['bucket'],
        Policy=json.dumps({'Version': '2012-10-17', 'Statement': [everybody]}))
      result = {}
      """, ["bucket": bucket])
  }

  /// An object's content by curl, unsigned: much quicker than boto3. nil if there is none.
  package func getOpenly(_ bucket: String, _ key: [UInt8]) async throws -> [UInt8]? {
    let directory = try TemporaryDirectory()
    let path = key.map { byte in
      let isPlain = byte < 0x80 && (Character(UnicodeScalar(byte)).isLetter || byte == 0x2F)
      return isPlain ? String(UnicodeScalar(byte)) : "%" + hexadecimal([byte])
    }
    let program = try Program(
      Program.Launch([
        "/usr/bin/curl", "--disable", "--silent", "--show-error", "--globoff", "--path-as-is", "--write-out",
        "%{http_code}\\n", "--output", directory.path("content").description, "\(endpoint)/\(bucket)/\(path.joined())",
      ]))
    let ending = await program.end()
    switch program.lines(.output).last {
    case "200": return try directory.read("content")
    // Who may not list is not told that there is none.
    case "403", "404": return nil
    default:
      throw Failure(
        .permanent, "read", escaped(key), cause: "curl: \(String(describing: ending)), \(program.transcript)")
    }
  }

  /// The MD5 of each object's content, in hexadecimal, by its key without `prefix`: as the server made it of what it
  /// holds, and of an object in parts by reading it.
  package func digests(_ bucket: String, prefix: String) async throws -> [String: String] {
    let result = try await call(
      """
      import hashlib
      result = {}
      for page in s3.get_paginator('list_objects_v2').paginate(Bucket=arguments['bucket'], Prefix=arguments['prefix']):
        for o in page.get('Contents', []):
          digest = o['ETag'].strip('"')
          if '-' in digest:
            content = hashlib.md5()
            for piece in s3.get_object(Bucket=arguments['bucket'], Key=o['Key'])['Body'].iter_chunks(1 << 20):
              content.update(piece)
            digest = content.hexdigest()
          result[o['Key'][len(arguments['prefix']):]] = digest
      """, ["bucket": bucket, "prefix": prefix])
    return result as? [String: String] ?? [:]
  }

  /// Begins a multipart upload and leaves it.
  package func beginUpload(_ bucket: String, _ key: [UInt8]) async throws {
    _ = try await call(
      """
      s3.create_multipart_upload(Bucket=arguments['bucket'], Key=bytes.fromhex(arguments['key']).decode())
      result = {}
      """, ["bucket": bucket, "key": hexadecimal(key)])
  }

  /// The keys of multipart uploads that were begun and not ended.
  package func unfinishedUploads(_ bucket: String) async throws -> [[UInt8]] {
    let result = try await call(
      """
      pages = s3.get_paginator('list_multipart_uploads').paginate(Bucket=arguments['bucket'])
      result = [u['Key'].encode().hex() for page in pages for u in page.get('Uploads', [])]
      """, ["bucket": bucket])
    return (result as? [Any] ?? []).map { Self.bytes($0) }
  }

  /// One call in one process: a client that is made anew has no connection or region left from the call before.
  private func call(_ body: String, _ arguments: [String: String]) async throws -> Any {
    let encoded = try JSONSerialization.data(withJSONObject: arguments)
    let script = Self.preamble + body + "\njson.dump(result, sys.stdout)\nprint()\n"
    let program = try Program(
      Program.Launch(
        ["/usr/bin/env", python, "-c", script, String(decoding: encoded, as: UTF8.self)],
        environment: [
          "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
          "HOME": ProcessInfo.processInfo.environment["HOME"] ?? "/", "ENDPOINT": endpoint,
          "AWS_ACCESS_KEY_ID": accessKeyID, "AWS_SECRET_ACCESS_KEY": secretAccessKey,
          "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
          "AWS_EC2_METADATA_DISABLED": "true",
          // Newer versions send checksums in trailers otherwise, which older servers do not know.
          "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        ]))
    let ending = await program.end()
    guard ending == .exited(0), let line = program.lines(.output).last else {
      // Behind the traceback, whose lines are indented, stands the error; it may have several lines.
      let said = program.lines(.errors).split { $0.hasPrefix("  ") }.last ?? ["no answer"]
      throw Failure(.permanent, "ask", "boto3", cause: said.joined(separator: "\n"))
    }
    return try JSONSerialization.jsonObject(with: Data(line.utf8), options: .fragmentsAllowed)
  }

  private static let preamble = """
    import json, os, sys
    import boto3
    from botocore.config import Config
    arguments = json.loads(sys.argv[1])
    s3 = boto3.client('s3', endpoint_url=os.environ['ENDPOINT'], config=Config(signature_version='s3v4',
      retries={'total_max_attempts': 1}, s3={'addressing_style': 'path'}, connect_timeout=10, read_timeout=60))

    """

  private static func bytes(_ hexadecimal: Any?) -> [UInt8] {
    let digits = Array((hexadecimal as? String ?? "").utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
    }
  }
}
