import SlipwayModel

extension Timestamp {
  /// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of a date that servers may write (RFC 9110, section 5.6.7); nil for
  /// anything else.
  init?(httpDate text: some Collection<UInt8>) {
    let words = String(decoding: text.prefix(Self.httpDateLength + 1), as: UTF8.self).split(
      separator: " ", omittingEmptySubsequences: false)
    guard words.count == 6, words[0].utf8.count == 4, words[0].hasSuffix(","), words[5] == "GMT",
      let month = Self.months.firstIndex(of: String(words[2]))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    self.init(expiry: "\(words[3])-\(number)-\(words[1])T\(words[4])Z")
  }

  /// In bytes.
  private static let httpDateLength = 29
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
