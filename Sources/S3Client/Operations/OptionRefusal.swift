import SlipwayModel

extension S3Client {
  /// A server that does not know something of an upload says so of the whole request, often without a name: the error then
  /// names the settings that asked for more than a plain one.
  func namingOptions(_ error: S3Error, _ attributes: ObjectAttributes, _ condition: WriteCondition) -> S3Error {
    naming(options(attributes, condition), error)
  }

  /// The same for a copy, which brings its tags along.
  func namingSettled(_ error: S3Error) -> S3Error {
    naming(fields.settings.filter { $0 != "tags" }, error)
  }

  private func naming(_ options: [String], _ error: S3Error) -> S3Error {
    guard error.status == 501 || Self.refusals.contains(error.code) else { return error }
    guard let last = options.last else { return error }
    let listed = options.count == 1 ? last : options.dropLast().joined(separator: ", ") + " or " + last
    return S3Error(
      Failure(
        error.kind, error.failure.operation, error.failure.subject, code: error.code, cause: error.failure.cause,
        remedy: "the server may not know what the destination asks for: \(listed)"),
      status: error.status, requestID: error.requestID)
  }

  /// What servers answer to a header field that they do not know; B2 says InvalidArgument of a checksum or of tags.
  private static let refusals: Set<String> = [
    "AccessControlListNotSupported", "InvalidArgument", "InvalidEncryptionAlgorithmError", "InvalidRequest",
    "InvalidStorageClass", "InvalidTag", "NotImplemented",
  ]

  private func options(_ attributes: ObjectAttributes, _ condition: WriteCondition) -> [String] {
    var options = fields.settings
    if !attributes.tags.isEmpty, !options.contains("tags") { options.append("tags") }
    if proof.checksumFieldName != nil { options.append("checksum: \(proof.checksum.rawValue)") }
    if case .any = condition { return options }
    return options + ["overwrite: \(overwrite.rawValue)"]
  }
}
