import ObjectStores
import S3Client
import SlipwayModel

/// Whether a plugin starts, and what it says of itself. Nothing is stored: not every plugin could delete it again.
struct PluginCheck {
  let store: PluginStore

  /// Ends the plugin. Blocks while it does.
  func findings() async -> [CheckFinding] {
    defer { store.close() }
    do throws(Failure) {
      let words = try await store.greet()
      let proof =
        words.provesContent
        ? CheckFinding(.ok, "proof", "it proves what it stores")
        : CheckFinding(
          .note, "proof", "it does not prove what it stores, so 'after' may only keep the files",
          remedy: "have it answer with sha256, and say 'proves: true'")
      return [CheckFinding(.ok, "plugin", "it offers \(words.operations.joined(separator: ", "))"), proof]
    } catch {
      return [CheckFinding(.failed, "plugin", error.cause, remedy: error.remedy)]
    }
  }
}
