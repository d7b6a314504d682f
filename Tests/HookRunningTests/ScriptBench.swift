import Foundation
import HookRunning
import SlipwayModel

/// A tree, a state directory and a manifest for the scripts in `hooks/`.
struct ScriptBench {
  let bench: HookBench
  var tree: String { bench.path("watch/tree") }
  var state: String { bench.path("state") }

  /// Of this package.
  static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("hooks").path

  init() throws {
    bench = try HookBench()
    for directory in ["watch/tree", "state"] {
      try FileManager.default.createDirectory(
        atPath: bench.path(directory), withIntermediateDirectories: true)
    }
  }

  /// Names that have broken scripts.
  static let hostileNames: [[UInt8]] =
    [
      "plain.log", "-n", "--help", "two words.txt", "new\nline.txt", "tab\t.log", "\"quote'.csv", "back\\slash.txt",
      "$(touch injected).txt", "*.txt", "é.log", " .txt",
    ].map { Array($0.utf8) } + [[0xFF, 0xFE] + Array(".txt".utf8)]

  @discardableResult
  func run(
    _ script: String, _ arguments: [String] = [], environment: [EnvironmentVariable] = [], treeName: String = "tree",
    tree path: String? = nil, manifest: String? = nil, run: RunID = .fresh
  ) async -> HookResult {
    let path = path ?? tree
    var isDirectory: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    var hook = bench.invocation(
      .program(BytePath(Self.scripts + "/" + script), arguments: arguments),
      environment: [
        EnvironmentVariable("SLIPWAY_TREE", path), EnvironmentVariable("SLIPWAY_TREE_NAME", treeName),
        EnvironmentVariable("SLIPWAY_STATE", state), EnvironmentVariable("SLIPWAY_STATUS", "success"),
      ] + environment, run: run)
    hook.directory = BytePath(isDirectory.boolValue ? path : (path as NSString).deletingLastPathComponent)
    if let manifest { hook.manifest = BytePath(manifest) }
    return await bench.runner.run(hook) { _ in }
  }

  /// Makes a file of the tree by its bytes.
  func make(_ name: [UInt8], _ text: String, in directory: String? = nil) {
    let path = Array((directory ?? tree).utf8) + [0x2F] + name
    let file = withCPath(path) { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    text.withCString { _ = write(file, $0, strlen($0)) }
    close(file)
  }

  func make(_ name: String, _ text: String) { make(Array(name.utf8), text) }

  /// The entries of a directory, as bytes, sorted.
  func names(in directory: String? = nil) -> [[UInt8]] {
    guard let stream = opendir(directory ?? tree) else { return [] }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [0x2E] && name != [0x2E, 0x2E] { names.append(name) }
    }
    return names.sorted { $0.precedes($1) }
  }

  func status(_ name: [UInt8]) -> stat {
    var status = stat()
    withCPath(Array(tree.utf8) + [0x2F] + name) { _ = lstat($0, &status) }
    return status
  }

  /// A manifest of the tree as it stands, by the format of version 1; written beside the tree.
  func manifest(of paths: [[UInt8]]? = nil, destinations: [String] = ["artifacts"]) throws -> String {
    var lines: [String] = []
    for path in paths ?? names() {
      let status = status(path)
      let nanoseconds = String(status.st_mtim.tv_nsec + 1_000_000_000).dropFirst()
      for destination in destinations {
        lines.append(
          #"{"destination":"\#(destination)","path":"\#(json(path))","key":"k/\#(json(path))","#
            + #""url":"https://b.example/","size":\#(status.st_size),"etag":"\"x\"","#
            + #""checksum":{"algorithm":"md5","value":"00"},"mtime":"\#(status.st_mtim.tv_sec).\#(nanoseconds)","#
            + #""sent":true}"#)
      }
    }
    let text =
      #"{"version":1,"run":"r","workflow":"w\"tree\":\"/etc","tree":"\#(json(Array(tree.utf8)))","attempt":1,"#
      + #""status":"success","error":"","# + "\n"
      + #""destinations":[{"name":"artifacts","status":"success","error":""}],"#
      + "\n\"objects\":[\n" + lines.joined(separator: ",\n") + "\n]}\n"
    let path = bench.path("manifest-\(UUID().uuidString)")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func json(_ bytes: [UInt8]) -> String {
    var text = ""
    var rest = bytes[...]
    while let byte = rest.first {
      // Valid UTF-8 stays, up to four bytes at a time; any other byte becomes a lone surrogate.
      let whole = (1...4).first { $0 <= rest.count && String(validating: rest.prefix($0), as: UTF8.self) != nil }
      switch (byte, whole) {
      case (0x22, _): text += "\\\""
      case (0x5C, _): text += "\\\\"
      case (0x0A, _): text += "\\n"
      case (..<0x20, _): text += "\\u00" + hexadecimal(byte)
      case (_, nil): text += "\\udc" + hexadecimal(byte)
      case (_, let count?): text += String(decoding: rest.prefix(count), as: UTF8.self)
      }
      rest = rest.dropFirst(whole ?? 1)
    }
    return text
  }
}

@discardableResult
func withCPath<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { body($0.baseAddress!) }
}
