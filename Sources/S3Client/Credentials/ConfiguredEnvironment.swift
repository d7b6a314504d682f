/// The environment, with what the profile says where no variable does: the region, and the servers' addresses as the
/// AWS SDKs and Tools Reference Guide ("Service-specific endpoints") has them. Blocks. A file that cannot be used is
/// told when keys are needed.
///
/// `profile` is one that the destination names, whose region wins over the environment's: on many platforms that is set
/// by nobody's decision.
func configuredEnvironment(
  _ environment: [String: String], profile: String? = nil, _ files: CredentialFiles
) -> [String: String] {
  let set: ProfileSet?
  do { set = try ProfileSet.load(environment, files) } catch { set = nil }
  let values = set?.profiles[profile ?? ProfileSet.name(environment)] ?? [:]
  var configured = environment
  let hasRegion = environment.nonEmpty("AWS_REGION") != nil || environment.nonEmpty("AWS_DEFAULT_REGION") != nil
  if let region = values.nonEmpty("region"), profile != nil || !hasRegion { configured["AWS_REGION"] = region }
  let services = values.nonEmpty("services").flatMap { set?.sections["services \($0)"] } ?? [:]
  setEndpoints(&configured, values, services)
  return configured
}

/// The services that are asked, by their names in a profile.
private let services = ["s3", "sts", "sso"]

private func setEndpoints(
  _ environment: inout [String: String], _ values: [String: String], _ sections: [String: String]
) {
  let general = "AWS_ENDPOINT_URL"
  let isIgnored =
    (environment.nonEmpty("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") ?? values["ignore_configured_endpoint_urls"])?
    .lowercased() == "true"
  for service in services {
    let name = "\(general)_\(service.uppercased())"
    let configured = ProfileFile.nested(sections[service]).nonEmpty("endpoint_url") ?? values.nonEmpty("endpoint_url")
    let chosen = environment.nonEmpty(name) ?? environment.nonEmpty(general) ?? configured
    environment[name] = isIgnored ? nil : chosen
  }
  if isIgnored { environment[general] = nil }
}
