import Foundation
import Glibc
import SlipwayModel

/// A tree that stays and changes all the time, as its users' files do; belongs to the one task that churns it.
struct KeptTree: Sendable {
  let name: String
  let world: World

  var directory: String { "kept/\(name)" }

  private static let names = ["a", "b", "c", "d/e", "d/f", "g/h/i"]

  func churn(until deadline: ContinuousClock.Instant) async throws {
    try world.scratch.makeDirectory(directory)
    while ContinuousClock.now < deadline {
      for _ in 0..<Int.random(in: 1...6) { try edit() }
      if Int.random(in: 0..<3) == 0 { try markReady() }
      try await Task.sleep(for: .milliseconds(Int.random(in: 0...200)))
    }
  }

  /// By a new marker in place of the old one.
  func markReady() throws {
    try world.scratch.write("", to: "\(directory)/.ready.new")
    try rename("\(directory)/.ready.new", to: "\(directory)/.ready")
  }

  private func edit() throws {
    let path = "\(directory)/\(Self.names.randomElement() ?? "a")"
    switch Int.random(in: 0..<7) {
    case 0, 1: try create(path)
    case 2: try append(to: path)
    case 3:
      // Replaced as an editor does it.
      try create("\(path).new")
      try rename("\(path).new", to: path)
    case 4: if world.scratch.exists(path) { try rename(path, to: path + "2") }
    case 5: if world.scratch.exists(path) { try world.scratch.remove(path) }
    default: try moveInAndOut()
    }
  }

  private func create(_ path: String) throws {
    try world.scratch.write(randomContent(Int.random(in: 0...20_000)), toBytes: Array(path.utf8))
  }

  private func append(to path: String) throws {
    guard world.scratch.exists(path) else { return }
    let descriptor = open(world.scratch(path), O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let content = randomContent(Int.random(in: 1...5000))
    guard write(descriptor, content, content.count) == content.count else { throw CocoaError(.fileWriteUnknown) }
  }

  /// A directory with files comes from elsewhere, and goes there again.
  private func moveInAndOut() throws {
    let (outside, inside) = ("outside-\(name)", "\(directory)/moved")
    if world.scratch.exists(inside) {
      try rename(inside, to: outside)
    } else if world.scratch.exists(outside) {
      try rename(outside, to: inside)
    } else {
      try create("\(outside)/x/y/z")
      try rename(outside, to: inside)
    }
  }

  private func rename(_ path: String, to other: String) throws {
    if Glibc.rename(world.scratch(path), world.scratch(other)) != 0 { throw CocoaError(.fileWriteUnknown) }
  }
}
