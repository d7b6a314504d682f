import HTTPTransport
import SlipwayModel

/// One bucket of one server. Any task.
public final class S3Client: Sendable {
  package let endpoint: S3Endpoint
  package let proof: ContentProof
  let sender: any RequestSender
  /// From this size on a file is to be sent in parts, in bytes.
  package let multipartThreshold: Int64
  /// The size of a part that is wished for, in bytes.
  package let partSize: Int64

  /// Sends through `sender`, which signs.
  package init(_ settings: S3Destination, _ endpoint: S3Endpoint, proof: ContentProof, sender: any RequestSender) {
    self.endpoint = endpoint
    self.proof = proof
    self.sender = sender
    multipartThreshold = min(settings.multipartThreshold, Self.singlePutLimit)
    partSize = settings.partSize
  }

  /// What a message calls an object; escaped.
  package func subject(_ key: ObjectKey) -> String { endpoint.subject(key) }

  /// A client for the bucket that `settings` names, over a transport that others may share. Sends no request. Throws a
  /// blocked failure if the settings and the environment do not say enough.
  package convenience init(
    _ settings: S3Destination, environment: [String: String], transport: any HTTPSender,
    now: @escaping @Sendable () -> Timestamp, retry: RequestRetry = RequestRetry(), files: CredentialFiles = .local
  ) throws(Failure) {
    let environment = withProfileRegion(environment, files)
    let endpoint = try S3Endpoint(settings, environment: environment)
    let surroundings = CredentialSurroundings(
      environment: environment, files: files, transport: transport, now: now)
    let sender = SigningSender(
      endpoint, credentials: credentialProvider(for: settings, surroundings), transport: transport, now: now)
    self.init(
      settings, endpoint, proof: ContentProof(settings, isEncrypted: endpoint.isEncrypted, isAWS: endpoint.isAWS),
      sender: RetryingSender(sender, retry: retry))
  }

  /// A client with a transport of its own. Throws a blocked failure if the settings and the environment do not say
  /// enough, a fatal one if the system has no thread for it.
  public convenience init(_ settings: S3Destination, environment: [String: String]) throws(Failure) {
    let bundle = environment["AWS_CA_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
    let transport = try HTTPTransport(HTTPTransport.Settings(caBundle: bundle))
    try self.init(settings, environment: environment, transport: transport, now: Timestamp.wallClock)
  }
}
