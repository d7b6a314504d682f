import Glibc
import SlipwayModel

/// The names of interest, compared where they lie: a million other names cost no allocation.
struct NameFilter {
  /// Each with its NUL.
  private let names: [[CChar]]

  init(_ interest: WatchInterest) {
    names = interest.names.map { $0.bytes.map { CChar(bitPattern: $0) } + [0] }
  }

  func takes(_ name: UnsafePointer<CChar>) -> Bool {
    for candidate in names {
      let isEqual = candidate.withUnsafeBufferPointer { $0[0] == name[0] && strcmp($0.baseAddress ?? name, name) == 0 }
      if isEqual { return true }
    }
    return false
  }
}
