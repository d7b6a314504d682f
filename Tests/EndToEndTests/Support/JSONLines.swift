import Foundation
import TestSupport
import Testing

extension Program {
  /// Each line of a stream as one JSON object; a line that is none fails the test.
  func objects(
    _ stream: Stream = .output, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [[String: Any]] {
    try lines(stream).map { line in
      // What is thrown would not tell the line.
      let value = try? JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(value as? [String: Any], "no JSON object: \(line)", sourceLocation: sourceLocation)
    }
  }
}
