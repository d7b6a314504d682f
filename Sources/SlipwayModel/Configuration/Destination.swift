/// One entry of `destinations:`.
public struct Destination: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case s3(S3Destination)
    /// An absolute directory; created when it is first written to.
    case directory(BytePath)
    case plugin(PluginDestination)
  }

  public let name: DestinationName
  public let location: SourceLocation
  /// In front of every key; without slashes at either end, empty for none.
  public let prefix: [UInt8]
  public let kind: Kind

  public var isDirectory: Bool {
    if case .directory = kind { true } else { false }
  }

  public var isS3: Bool {
    if case .s3 = kind { true } else { false }
  }

  public init(name: DestinationName, location: SourceLocation, prefix: [UInt8], kind: Kind) {
    self.name = name
    self.location = location
    self.prefix = prefix
    self.kind = kind
  }

  /// Whether the destination can prove by itself that what it holds is what was sent.
  public var provesContent: Bool {
    switch kind {
    case .directory: true
    case .s3(let settings): settings.provesContent
    case .plugin(let settings): settings.provesContent
    }
  }
}
