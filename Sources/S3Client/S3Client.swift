import HTTPTransport
import SlipwayModel

/// One bucket of one server. Any task.
public final class S3Client: Sendable {
  package let endpoint: S3Endpoint
  package let proof: ContentProof
  /// What the server does in its own way.
  package let quirks: ServerQuirks
  package let overwrite: S3Destination.Overwrite
  /// What objects are given beside their content.
  package let fields: ObjectFields
  let sender: any RequestSender
  private let credentials: ResolvedCredentials?
  /// From this size on a file is to be sent in parts, in bytes.
  package let multipartThreshold: Int64
  /// The size of a part that is wished for, in bytes.
  package let partSize: Int64

  /// Sends through `sender`, which signs with `credentials`; they are here to be reported on. Throws a blocked failure
  /// where the settings cannot be honoured.
  package init(
    _ endpoint: S3Endpoint, _ settings: S3Destination, patterns: (any PatternCompiler)?, sender: any RequestSender,
    credentials: ResolvedCredentials? = nil
  ) throws(Failure) {
    self.endpoint = endpoint
    proof = ContentProof(settings, isEncrypted: endpoint.isEncrypted, isAWS: endpoint.isAWS)
    quirks = settings.quirks(isAWS: endpoint.isAWS)
    overwrite = settings.overwrite
    fields = try ObjectFields(settings, patterns: patterns, subject: endpoint.subject(nil))
    self.sender = AccountSender.around(sender, settings)
    self.credentials = credentials
    multipartThreshold = min(settings.multipartThreshold, Self.singlePutLimit)
    partSize = settings.partSize
  }

  private init(_ other: S3Client, overwrite: S3Destination.Overwrite) {
    endpoint = other.endpoint
    proof = other.proof
    quirks = other.quirks
    self.overwrite = overwrite
    fields = other.fields
    sender = other.sender
    credentials = other.credentials
    multipartThreshold = other.multipartThreshold
    partSize = other.partSize
  }

  /// The same client, but that it overwrites what lies at a key.
  package func overwriting() -> S3Client { S3Client(self, overwrite: .always) }

  /// What a message calls an object; escaped.
  package func subject(_ key: ObjectKey) -> String { endpoint.subject(key) }

  /// A client for the bucket that `settings` names, over a transport that others may share. Sends no request. Throws a
  /// blocked failure if the settings and the environment do not say enough, or have header rules without `patterns`.
  package convenience init(
    _ settings: S3Destination, environment: [String: String], transport: any HTTPSender,
    now: @escaping @Sendable () -> Timestamp, retry: RequestRetry = RequestRetry(), files: CredentialFiles = .local,
    patterns: (any PatternCompiler)? = nil
  ) throws(Failure) {
    let environment = configuredEnvironment(environment, profile: settings.profile, files)
    let endpoint = try S3Endpoint(settings, environment: environment)
    let credentials = ResolvedCredentials(
      settings, CredentialSurroundings(environment: environment, files: files, transport: transport, now: now))
    let sender = SigningSender(endpoint, credentials: credentials.provider, transport: transport, now: now)
    try self.init(
      endpoint, settings, patterns: patterns, sender: RetryingSender(sender, retry: retry), credentials: credentials)
  }

  /// A client with a transport of its own. Throws a blocked failure if the settings and the environment do not say
  /// enough, a fatal one if the system has no thread for it.
  /// `patterns` compiles those of header rules.
  public convenience init(
    _ settings: S3Destination, environment: [String: String], patterns: (any PatternCompiler)? = nil
  ) throws(Failure) {
    let bundle = environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
    let transport = try HTTPTransport(HTTPTransport.Settings(caBundle: bundle))
    try self.init(
      settings, environment: environment, transport: transport, now: Timestamp.wallClock, patterns: patterns)
  }

  /// Which place gives the keys, and why those that were asked before it do not; without anything secret. Asks them if
  /// nobody has yet. Any task.
  package func credentialReport() async -> CredentialChain.Report {
    await credentials?.report() ?? CredentialChain.Report()
  }

  /// The ID of the keys that sign, which is no secret; nil if there are none. Any task.
  package func accessKeyID() async -> String? {
    // Why there are none stands in the report.
    do throws(Failure) { return try await credentials?.provider.credentials().accessKeyID } catch { return nil }
  }

  /// Whose keys sign, as AWS says; nil where requests go to another server. Any task.
  package func callerARN() async throws(Failure) -> String? {
    guard endpoint.isAWS, let credentials else { return nil }
    return try await credentials.callerARN(region: endpoint.region)
  }
}
