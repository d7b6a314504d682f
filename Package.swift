// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let fox = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")
let socks = Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox")
let toml = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

func library(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = ["README.md"]) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let package = Package(
  name: "slipway",
  products: [
    .executable(name: "slipway", targets: ["slipway"]),
    .library(name: "Engine", targets: ["Engine", "SlipwayModel"]),
    .library(name: "S3Client", targets: ["S3Client", "SlipwayModel"]),
  ],
  dependencies: [
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
  ],
  targets: [
    .systemLibrary(name: "CLibc"),
    .systemLibrary(name: "CLibintrinsics"),
    .systemLibrary(name: "CLibcurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLibyaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CLibpcre2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(name: "CLibexpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),

    library("SlipwayModel"),
    library("LocalFiles", ["SlipwayModel", "CLibc", grdb, system, log]),
    library("Checksums", ["SlipwayModel", "CLibcrypto", "CLibintrinsics"]),
    library("HTTPTransport", ["SlipwayModel", "CLibc", "CLibcurl"]),
    library("WorkflowFile", ["SlipwayModel", "CLibyaml"]),
    library("PatternMatching", ["SlipwayModel", "CLibpcre2"]),
    library("TreeWatching", ["SlipwayModel", "LocalFiles", "CLibc", log]),
    library("HookRunning", ["SlipwayModel", "CLibc", subprocess, system, log]),
    library("S3Client", ["SlipwayModel", "Checksums", "HTTPTransport", "CLibc", "CLibexpat", log]),
    library("ObjectStores", ["SlipwayModel", "LocalFiles", "Checksums", "HTTPTransport", "S3Client", "CLibc", log]),
    library("RunLedger", ["SlipwayModel", "LocalFiles", grdb, log]),
    library("StatusServing", ["SlipwayModel", fox, socks]),
    library("Engine", ["SlipwayModel", deque, log]),
    library(
      "SlipwayCommands",
      [
        "SlipwayModel", "LocalFiles", "Checksums", "HTTPTransport", "WorkflowFile", "PatternMatching", "TreeWatching",
        "HookRunning", "S3Client", "ObjectStores", "RunLedger", "StatusServing", "Engine", "CLibc", arguments, log,
        signals, toml,
      ]),
    .executableTarget(name: "slipway", dependencies: ["SlipwayCommands"], swiftSettings: settings),

    .target(
      name: "TestSupport",
      dependencies: ["SlipwayModel", "LocalFiles", "Checksums", "S3Client", "CLibc", log],
      path: "Tests/TestSupport", exclude: ["README.md"], swiftSettings: settings),
    tests("SlipwayModel", ["SlipwayModel", "TestSupport"]),
    tests("LocalFiles", ["LocalFiles", "TestSupport"]),
    tests("Checksums", ["Checksums", "TestSupport"]),
    tests("HTTPTransport", ["HTTPTransport", "TestSupport"]),
    tests("WorkflowFile", ["WorkflowFile", "TestSupport"]),
    tests("PatternMatching", ["PatternMatching", "TestSupport"]),
    tests("TreeWatching", ["TreeWatching", "TestSupport"]),
    tests("HookRunning", ["HookRunning", "TestSupport"]),
    tests("S3Client", ["S3Client", "TestSupport"]),
    tests("ObjectStores", ["ObjectStores", "TestSupport", "CLibc", log]),
    tests("RunLedger", ["RunLedger", "TestSupport", grdb]),
    tests("StatusServing", ["StatusServing", "LocalFiles", "TestSupport"]),
    tests("Engine", ["Engine", log, "LocalFiles", "PatternMatching", "TestSupport"]),
    tests("SlipwayCommands", ["SlipwayCommands", "PatternMatching", "TestSupport"]),
    tests("EndToEnd", ["TestSupport", "Checksums", "WorkflowFile", "PatternMatching", "RunLedger"]),
    tests("Architecture", []),
  ]
)
