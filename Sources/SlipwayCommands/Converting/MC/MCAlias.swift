import WorkflowFile

/// What mc knows by an alias of a server; of its keys only that there are some.
struct MCAlias: Equatable {
  let name: String
  let url: String
  /// `auto`, `on` or `off`; formerly `path` and `dns`.
  var path = "auto"
  /// `S3v4` or `S3v2`, in any case.
  var api = "S3v4"
  let hasKeys: Bool
  let hasToken: Bool
  /// Where it stands, and the keys with it; escaped.
  let place: String

  /// What S3 of AWS calls the region in the name of a host; nil for any other server, empty where none is named.
  var awsRegion: String? {
    guard let host = Endpoint(url)?.host.lowercased(), host.hasSuffix(".amazonaws.com") else { return nil }
    let service = host.dropLast(".amazonaws.com".count)
    if service == "s3" { return "" }
    guard let prefix = ["s3.", "s3-"].first(where: service.hasPrefix) else { return nil }
    let region = service.dropFirst(prefix.count)
    // Not `s3.dualstack.REGION` or `s3-accelerate`: those are other doors to the same buckets.
    let parts = region.split(separator: "-")
    let isRegion = parts.count >= 3 && !region.contains(".") && parts.last.flatMap { Int($0) } != nil
    return isRegion && parts[0] != "fips" ? String(region) : nil
  }
}
