import SlipwayModel
import TestSupport
import Testing

@testable import SlipwayCommands

@Suite("mc's aliases")
struct MCAliasesTests {
  private func aliases(
    _ json: String? = nil, _ environment: [String: String] = [:], in directory: TemporaryDirectory
  ) throws -> MCAliases {
    if let json { try directory.write(json, to: "config.json") }
    let path = String(decoding: directory.path.bytes, as: UTF8.self)
    return try MCAliases(directory: path, program: "mc", environment: environment)
  }

  @Test("The environment comes before the file")
  func order() throws {
    let directory = try TemporaryDirectory()
    let json = #"{"version":"10","aliases":{"a":{"url":"https://file.example","accessKey":"k","secretKey":"s"}}}"#
    let fromFile = try aliases(json, in: directory)["a"]
    #expect(fromFile?.url == "https://file.example" && fromFile?.hasKeys == true && fromFile?.hasToken == false)
    let both = try aliases(nil, ["MC_HOST_a": "https://k:s/+@x@env.example:9000"], in: directory)["a"]
    #expect(both?.url == "https://env.example:9000" && both?.place == "those in MC_HOST_a")
    let other = try aliases(nil, in: directory)["b"]
    #expect(other == nil)
  }

  @Test(
    "The environment's form is access and secret key, perhaps a token, and the host",
    arguments: [
      ("https://k:s@h", "https://h", true, false), ("http://k:s:t@h:1", "http://h:1", true, true),
      ("https://h", "https://h", false, false),
    ])
  func environment(_ text: String, _ url: String, _ hasKeys: Bool, _ hasToken: Bool) throws {
    let directory = try TemporaryDirectory()
    let alias = try #require(try aliases(nil, ["MC_HOST_a": text], in: directory)["a"])
    #expect(alias.url == url && alias.hasKeys == hasKeys && alias.hasToken == hasToken)
  }

  @Test(
    "What is wrong with one is told without its keys",
    arguments: ["", "k:secret@h", "https://secret@h", "ftp://k:secret@h", "https://k:secret@h/path"])
  func wrong(_ text: String) throws {
    let directory = try TemporaryDirectory()
    #expect(throws: ConversionProblem(message: "MC_HOST_a is not https://ACCESS:SECRET@HOST[:PORT]")) {
      try aliases(nil, ["MC_HOST_a": text], in: directory)["a"]
    }
    let file = directory.path("config.json").description
    let url = #"{"aliases":{"a":{"url":"https://k:secret@h/x"}}}"#
    #expect(throws: ConversionProblem(message: "\(file): the url of 'a' is not http(s)://HOST[:PORT]")) {
      try aliases(url, in: directory)["a"]
    }
    #expect(throws: ConversionProblem(message: "\(file): this is not JSON as mc writes it")) {
      try aliases("{ secret", in: directory)
    }
  }

  @Test("Former files call them hosts, and what mc puts there before there are keys is none")
  func former() throws {
    let directory = try TemporaryDirectory()
    let json = """
      {"version":"9","hosts":{"s3":{"url":"https://s3.amazonaws.com","accessKey":"YOUR-ACCESS-KEY-HERE",
      "secretKey":"YOUR-SECRET-KEY-HERE","api":"S3v2","lookup":"dns"}}}
      """
    let alias = try #require(try aliases(json, in: directory)["s3"])
    #expect(!alias.hasKeys && alias.api == "S3v2" && alias.path == "dns")
  }

  @Test("Without --config-dir MC_CONFIG_DIR counts, and then the home directory")
  func places() throws {
    let home = ["HOME": "/nowhere/me"]
    let plain = try MCAliases(directory: nil, program: "mcli", environment: home)
    #expect(plain.places("a") == "MC_HOST_a and /nowhere/me/.mcli/config.json")
    let named = try MCAliases(
      directory: nil, program: "mc", environment: home.merging(["MC_CONFIG_DIR": "/nowhere/mc"]) { $1 })
    #expect(named.places("a") == "MC_HOST_a and /nowhere/mc/config.json")
  }

  @Test(
    "AWS is known by its hosts, and its regions by theirs",
    arguments: [
      ("https://s3.amazonaws.com", ""), ("https://s3.eu-west-1.amazonaws.com", "eu-west-1"),
      ("https://s3-us-gov-west-1.amazonaws.com/", "us-gov-west-1"), ("https://S3.amazonaws.com", ""),
      ("https://s3-accelerate.amazonaws.com", nil), ("https://s3.dualstack.eu-west-1.amazonaws.com", nil),
      ("https://s3-fips.eu-west-1.amazonaws.com", nil), ("https://s3.cn-north-1.amazonaws.com.cn", nil),
      ("https://minio.example", nil), ("https://amazonaws.com", nil),
    ])
  func regions(_ url: String, _ region: String?) {
    let alias = MCAlias(name: "a", url: url, hasKeys: true, hasToken: false, place: "")
    #expect(alias.awsRegion == region)
  }
}
