import SlipwayModel

extension DecodingContext {
  /// Absolute and normalized; a relative path is relative to the file it stands in.
  func path(_ node: Node) -> BytePath? {
    guard let text = text(node, expecting: "a path") else { return nil }
    return path(text, at: node.mark)
  }

  func path(_ text: String, at mark: Mark) -> BytePath? {
    if text == "~" || text.utf8.starts(with: "~/".utf8) {
      error("'~' is not expanded in a path; write ${HOME}", at: mark)
      return nil
    }
    let written = BytePath(text)
    let path = (written.isAbsolute ? written : mark.source.directory.appending(written)).normalized
    if path.bytes.count <= Self.longestPath { return path }
    error("a path has at most \(Self.longestPath) bytes, this one has \(path.bytes.count)", at: mark)
    return nil
  }

  /// The directory of the file in which `mark` lies; absolute.
  func directory(at mark: Mark) -> BytePath { mark.source.directory.normalized }

  /// The name of a marker file: one component.
  func marker(_ node: Node) -> BytePath? {
    guard let text = text(node, expecting: "the name of a file") else { return nil }
    let name = BytePath(text)
    if [".", ".."].contains(text) || name.bytes.contains(UInt8(ascii: "/")) {
      error("a marker is the name of a file, without a directory, found \(quoted(text))", at: node.mark)
      return nil
    }
    if name.bytes.count > Self.longestName {
      error("a file name has at most \(Self.longestName) bytes, this one has \(name.bytes.count)", at: node.mark)
      return nil
    }
    return name
  }

  /// What the name of a sidecar has in place of an extension.
  func sidecar(_ node: Node) -> BytePath? {
    guard let text = text(node, expecting: "an extension such as '.metadata'") else { return nil }
    let bytes = Array(text.utf8)
    let isExtension = bytes.first == UInt8(ascii: ".") && !bytes.contains(UInt8(ascii: "/")) && text != ".."
    if isExtension, bytes.count > 1, bytes.count < Self.longestName { return BytePath(bytes) }
    error("expected an extension such as '.metadata', found \(quoted(text))", at: node.mark)
    return nil
  }

  /// PATH_MAX of limits.h, without the NUL.
  private static let longestPath = 4095

  /// NAME_MAX of limits.h.
  private static let longestName = 255
}
