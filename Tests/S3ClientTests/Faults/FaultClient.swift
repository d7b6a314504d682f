import HTTPTransport
import SlipwayModel
import TestSupport

@testable import S3Client

/// A client of the server's bucket over real connections, which tries each request once.
func client(
  of server: ScriptedS3Server, _ environment: [String: String] = [:], files: CredentialFiles = .local,
  timeLimits: TimeLimits = TimeLimits(), _ change: (inout S3Destination) -> Void = { _ in }
) throws -> S3Client {
  var settings = S3Destination(bucket: "bucket")
  settings.endpoint = server.endpoint
  settings.credentials = .init(
    accessKeyID: server.keys.accessKeyID, secretAccessKey: Secret(server.keys.secretAccessKey), sessionToken: nil)
  change(&settings)
  return try S3Client(
    settings, environment: environment, transport: HTTPTransport(HTTPTransport.Settings(timeLimits: timeLimits)),
    now: Timestamp.wallClock, retry: RequestRetry(tries: 1), files: files)
}

/// The code of what goes wrong; empty if nothing does.
func code(_ body: () async throws(S3Error) -> Void) async -> String {
  do throws(S3Error) {
    try await body()
    return ""
  } catch { return error.code }
}

extension ScriptedS3Server {
  var statuses: [Int?] { requests.map(\.status) }
}
