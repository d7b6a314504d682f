import Testing

@testable import SlipwayCommands

@Suite("The values of mc's flags")
struct MCValueTests {
  @Test(
    "Rates have decimal and binary units, whatever the case",
    arguments: [
      ("100MiB", "100MiB/s"), ("100 mib/s", "100MiB/s"), ("1.5GiB", "1536MiB/s"), ("10M", "10MB/s"), ("2kb", "2kB/s"),
      ("1,024KiB", "1MiB/s"), ("5000", "5kB/s"), ("1Gi", "1GiB/s"),
    ])
  func rates(_ text: String, _ expected: String) {
    #expect(MCRate.reading(text) == .rate(expected))
  }

  @Test("What is no rate is told apart from none, and from one beyond the bounds")
  func noRates() {
    #expect(["", "x", "10 parsecs", "1.2.3M", "-1M", "MiB"].allSatisfy { MCRate.reading($0) == nil })
    #expect(MCRate.reading("0") == .unlimited && MCRate.reading("0GiB") == .unlimited)
    #expect(["1", "2TiB", "99999999999999999999999GiB"].allSatisfy { MCRate.reading($0) == .outOfBounds })
  }

  @Test("Attributes are metadata, but for those that are headers of their own")
  func attributes() throws {
    let text = #"Cache-Control="max-age=9;x";Artist='A "B"';X-Amz-Meta-Album=C;Content-Type=text/x;artist=Z;"#
    let read = try MCAttributes(String(text.dropLast()))
    #expect(read.metadata.map(\.name) == ["album", "artist"] && read.metadata.map(\.value) == ["C", "Z"])
    #expect(read.headers.map(\.name) == ["cache_control", "content_type"])
    #expect(read.headers.map(\.value) == ["max-age=9;x", "text/x"] && read.lost.isEmpty)
  }

  @Test("Attributes that no object can have are told by name")
  func lostAttributes() throws {
    let read = try MCAttributes("X-Amz-Acl=public-read;slipway-token=x;a b=1;name=\u{e9};Expires=")
    #expect(
      read.lost == [
        "x-amz-acl: the destination has keys for what S3 itself knows: storage_class, acl, sse, tags",
        "slipway-token: this name of metadata is Slipway's own",
        "a b: the name of metadata has only letters, digits, '.', '_' and '-'",
        "name: the value of metadata has only printable ASCII characters, none of them a space at an end",
        "expires: its value cannot be a header's",
      ])
    #expect(read.metadata.isEmpty && read.headers.isEmpty)
  }

  @Test(
    "Attributes without a name, a value or the end of a quote are refused",
    arguments: ["", "a", "=b", "a=b;;c=d", "a='b"])
  func wrongAttributes(_ text: String) {
    #expect(throws: ConversionProblem.self) { try MCAttributes(text) }
  }

  @Test("Encryption is the destination's where it is of all below the target; the longest prefix counts")
  func encryption() {
    var encryption = MCEncryption(target: "m/b/p")
    #expect(encryption.take("m/b", byKMS: false) == nil)
    #expect(encryption.line?.line == "sse: { type: AES256 }")
    #expect(encryption.take("m/b/p/=it's", byKMS: true) == nil && encryption.take("m/", byKMS: false) == nil)
    #expect(encryption.line?.line == "sse: { type: aws:kms, kms_key_id: 'it''s' }")
    for other in ["m/b/p/q=k", "m/c=k", "=k"] { #expect(encryption.take(other, byKMS: true) != nil, "\(other)") }
    #expect(encryption.take("m/b", byKMS: true) == "it needs ALIAS/PREFIX=KEY")
  }
}
