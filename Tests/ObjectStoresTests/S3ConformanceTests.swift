import Foundation
import HTTPTransport
import ObjectStores
import SlipwayModel
import TestSupport
import Testing

@Suite("A bucket as a destination")
struct S3ConformanceTests {
  @Test("keeps the contract of a store, on the scripted server", arguments: storeConformance)
  func scripted(_ check: Conformance<StoreUnderTest>) async throws {
    try await onScriptedServer(check)
  }

  @Test(
    "keeps the contract of a store, on a real server", .enabled(if: S3Reader.realServer != nil, "there is no server"),
    arguments: storeConformance)
  func real(_ check: Conformance<StoreUnderTest>) async throws {
    try await onRealServer(check)
  }

  @Test("keeps what is equal with overwrite: different, on the scripted server", arguments: equalConformance)
  func scriptedEqual(_ check: Conformance<StoreUnderTest>) async throws {
    try await onScriptedServer(check, overwrite: .different)
  }

  @Test(
    "keeps what is equal with overwrite: different, on a real server",
    .enabled(if: S3Reader.realServer != nil, "there is no server"), arguments: equalConformance)
  func realEqual(_ check: Conformance<StoreUnderTest>) async throws {
    try await onRealServer(check, overwrite: .different)
  }

  private func onScriptedServer(
    _ check: Conformance<StoreUnderTest>, overwrite: S3Destination.Overwrite = .always
  ) async throws {
    try await ScriptedS3Server.with { server in
      let keys = server.keys
      try await withStore("bucket", at: server.endpoint, keys.accessKeyID, keys.secretAccessKey, overwrite) { store in
        try await check.run(
          StoreUnderTest(store) { key in server.object(String(decoding: key.bytes, as: UTF8.self))?.content })
      }
    }
  }

  private func onRealServer(
    _ check: Conformance<StoreUnderTest>, overwrite: S3Destination.Overwrite = .always
  ) async throws {
    let reader = try #require(S3Reader.realServer)
    let bucket = "conformance-" + UUID().uuidString.lowercased()
    try await reader.makeBucket(bucket)
    try await reader.openToAll(bucket)
    try await withStore(bucket, at: reader.endpoint, reader.accessKeyID, reader.secretAccessKey, overwrite) { store in
      try await check.run(StoreUnderTest(store) { key in try await reader.getOpenly(bucket, key.bytes) })
    }
  }

  private func withStore(
    _ bucket: String, at endpoint: String, _ id: String, _ secret: String, _ overwrite: S3Destination.Overwrite,
    _ body: (S3ObjectStore) async throws -> Void
  ) async throws {
    var settings = S3Destination(bucket: bucket)
    settings.endpoint = endpoint
    settings.region = "us-east-1"
    settings.credentials = .init(accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: nil)
    settings.overwrite = overwrite
    let transport = try HTTPTransport()
    defer { transport.shutdown() }
    try await body(S3ObjectStore(settings, environment: [:], transport: transport))
  }
}
