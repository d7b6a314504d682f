import SlipwayModel

extension CredentialSurroundings {
  /// The region that variables or the profile name; throws if that cannot be one.
  func region(or fallback: String, for source: String) throws(Failure) -> String {
    let region = environment.nonEmpty("AWS_REGION") ?? environment.nonEmpty("AWS_DEFAULT_REGION") ?? fallback
    guard isRegionName(region) else {
      throw Failure(
        .blocked, "get credentials from", source, code: "InvalidRegion",
        cause: "\(escaped(region.utf8)) cannot be the name of a region", remedy: "correct AWS_REGION")
    }
    return region
  }

  /// Where one of AWS's services is asked: at the address that `variable` or AWS_ENDPOINT_URL names, else in `region`.
  /// Throws for one to which keys would go in the clear.
  func server(
    _ service: String, variable: String, region: String, for source: String
  ) throws(Failure) -> Server {
    guard let named = environment.nonEmpty(variable) ?? environment.nonEmpty("AWS_ENDPOINT_URL") else {
      return Server(awsService: service, region: region)
    }
    let server = try Server(named, source)
    guard server.isEncrypted || server.isThisMachine else {
      throw Failure(
        .blocked, "get credentials from", source, code: "InsecureEndpoint",
        cause: "plain http to another machine (\(server.authority)) shows keys to the network",
        remedy: "use https in \(variable)")
    }
    return server
  }
}
