import Glibc
import SlipwayModel

/// Where a workflow file is looked for when none is named.
package enum WorkflowFileSearch {
  /// In this order; those under an unset or relative directory are left out, as the XDG base directory specification
  /// asks.
  package static func candidates(environment: [String: String]) -> [BytePath] {
    let home = environment["HOME"].map { BytePath($0).appending(".config") }
    let named = environment["XDG_CONFIG_HOME"].map { BytePath($0) }
    let user = [named, home].compactMap { $0 }.first(where: \.isAbsolute)
    return [BytePath("./workflows.yaml")] + [user?.appending("slipway/workflows.yaml")].compactMap { $0 }
      + [BytePath("/etc/slipway/workflows.yaml")]
  }

  /// The first candidate that exists, readable or not; nil if there is none. `workingDirectory` is absolute.
  package static func find(environment: [String: String], workingDirectory: BytePath) -> BytePath? {
    candidates(environment: environment).first { candidate in
      let path = candidate.isAbsolute ? candidate : workingDirectory.appending(candidate)
      switch LocalInspection.facts(path) {
      case .success: return true
      // One that lies there and cannot be looked at must not be passed over for another.
      case .failure(let error): return error.number != ENOENT && error.number != ENOTDIR
      }
    }
  }
}
