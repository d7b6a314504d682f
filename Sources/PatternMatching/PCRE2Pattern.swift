import CLibpcre2
import SlipwayModel

/// A pattern that PCRE2 has compiled.
///
/// `@unchecked Sendable`: the code block and the match context are only read once they are made (pcre2api(3),
/// "Multithreading"); what a match writes to is made anew for each call.
final class PCRE2Pattern: Pattern, @unchecked Sendable {
  private let text: String
  private let code: OpaquePointer
  private let limits: OpaquePointer

  /// Takes over both pointers.
  init(_ text: String, code: OpaquePointer, limits: OpaquePointer) {
    self.text = text
    self.code = code
    self.limits = limits
  }

  deinit {
    pcre2_match_context_free_8(limits)
    pcre2_code_free_8(code)
  }

  func matches(_ name: [UInt8]) throws(Failure) -> Bool {
    // Room for the whole match alone: nobody asks for groups.
    guard let data = pcre2_match_data_create_8(1, nil) else {
      throw failure(name, code: "PCRE2_ERROR_NOMEMORY", cause: "no memory for the match")
    }
    defer { pcre2_match_data_free_8(data) }
    var result = pcre2_match_8(code, name, name.count, 0, 0, data, limits)
    // JIT runs on 32 KiB of the thread's own stack; the interpreter has the heap up to its limit.
    if result == PCRE2_ERROR_JIT_STACKLIMIT {
      result = pcre2_match_8(code, name, name.count, 0, PCRE2_NO_JIT, data, limits)
    }
    // 0 is a match, too, with more groups than there was room for.
    if result >= 0 { return true }
    if result == PCRE2_ERROR_NOMATCH { return false }
    throw failure(name, after: result)
  }

  private func failure(_ name: [UInt8], after result: Int32) -> Failure {
    switch result {
    case PCRE2_ERROR_MATCHLIMIT:
      failure(name, code: "PCRE2_ERROR_MATCHLIMIT", cause: "the pattern needs more than \(PCRE2Limits.match) steps")
    case PCRE2_ERROR_DEPTHLIMIT:
      failure(name, code: "PCRE2_ERROR_DEPTHLIMIT", cause: "the pattern nests deeper than \(PCRE2Limits.depth) levels")
    case PCRE2_ERROR_HEAPLIMIT:
      failure(name, code: "PCRE2_ERROR_HEAPLIMIT", cause: "the pattern needs more than \(PCRE2Limits.heap) KiB")
    default:
      failure(name, code: "PCRE2_ERROR_\(-result)", cause: pcre2Message(result))
    }
  }

  private func failure(_ name: [UInt8], code: String, cause: String) -> Failure {
    Failure(
      .permanent, "match", "'\(shown(text.utf8))' with '\(shown(name))'", code: code, cause: cause,
      remedy: "write it so that it has fewer ways to match, for example without nested repeats")
  }

  private func shown(_ bytes: some Collection<UInt8>) -> String {
    escaped(bytes.prefix(Self.shownLength)) + (bytes.count > Self.shownLength ? "…" : "")
  }

  /// So many bytes of a pattern and of a name stand in a message.
  private static let shownLength = 512
}
