import CLibc
import Glibc
import Synchronization

/// Where a path may lead.
package enum PathResolution: Sendable {
  /// Anywhere: the operator's own word.
  case anywhere
  /// Below the directory it begins at; links only while they stay there.
  case beneath
  /// Below the directory it begins at, over no link at all.
  case withoutLinks

  fileprivate var flags: UInt64 {
    switch self {
    case .anywhere: 0
    case .beneath: slipway_resolve_beneath | slipway_resolve_no_magiclinks
    case .withoutLinks: slipway_resolve_beneath | slipway_resolve_no_symlinks | slipway_resolve_no_magiclinks
    }
  }
}

/// Opens paths of any length by openat2(2), and without it component by component.
package enum PathOpening {
  /// PATH_MAX, its NUL included: what one call takes.
  private static let bytesPerCallMax = 4096

  /// Whether openat2 is missing: ENOSYS before Linux 5.6, EPERM from seccomp profiles that do not know it.
  private static let isWithoutOpenat2 = Atomic<Bool>(false)

  /// A descriptor that the caller closes, always close-on-exec. `path` is relative to `directory`, empty for the
  /// directory itself, and may be absolute only where it may lead anywhere.
  package static func open(
    _ path: [UInt8], at directory: Int32, flags: Int32, resolution: PathResolution
  ) throws(ErrorNumber) -> Int32 {
    let path = path.isEmpty ? [UInt8(ascii: ".")] : path
    if path.count < bytesPerCallMax {
      return try openPiece(path, at: directory, flags: flags, resolution: resolution)
    }
    var current = directory
    defer { if current != directory { close(current) } }
    var rest = path[...]
    while rest.count >= bytesPerCallMax {
      guard let end = rest.prefix(bytesPerCallMax - 1).lastIndex(of: separator) else { throw ErrorNumber(ENAMETOOLONG) }
      // The separator stays at the end of a piece only if the piece is the file system's root.
      let piece = Array(end == rest.startIndex ? rest[...end] : rest[..<end])
      let next = try openPiece(piece, at: current, flags: slipway_open_path | O_DIRECTORY, resolution: resolution)
      if current != directory { close(current) }
      current = next
      rest = rest[(end + 1)...].drop { $0 == separator }
    }
    return try openPiece(Array(rest), at: current, flags: flags, resolution: resolution)
  }

  private static func openPiece(
    _ path: [UInt8], at directory: Int32, flags: Int32, resolution: PathResolution
  ) throws(ErrorNumber) -> Int32 {
    if case .anywhere = resolution {
      return try retryingInterrupted { withPathBytes(path) { openat(directory, $0, flags | O_CLOEXEC) } }
    }
    if isWithoutOpenat2.load(ordering: .relaxed) { return try openStepwise(path, at: directory, flags: flags) }
    do throws(ErrorNumber) {
      return try retryingInterrupted {
        withPathBytes(path) { slipway_openat2(directory, $0, UInt64(flags | O_CLOEXEC), 0, resolution.flags) }
      }
    } catch let error where error.value == ENOSYS || error.value == EPERM {
      if error.value == ENOSYS { isWithoutOpenat2.store(true, ordering: .relaxed) }
      return try openStepwise(path, at: directory, flags: flags)
    }
  }

  /// Without openat2: each component by itself, and none may be a link or lead up.
  static func openStepwise(_ path: [UInt8], at directory: Int32, flags: Int32) throws(ErrorNumber) -> Int32 {
    if path.first == separator { throw ErrorNumber(EXDEV) }
    let components = path.split(separator: separator).filter { !$0.elementsEqual([UInt8(ascii: ".")]) }
    if components.contains(where: { $0.elementsEqual([0x2E, 0x2E]) }) { throw ErrorNumber(EXDEV) }
    var current = directory
    defer { if current != directory { close(current) } }
    for component in components.dropLast() {
      let next = try openComponent(Array(component), at: current, flags: slipway_open_path | O_DIRECTORY)
      if current != directory { close(current) }
      current = next
    }
    return try openComponent(Array(components.last ?? [UInt8(ascii: ".")]), at: current, flags: flags)
  }

  private static func openComponent(_ name: [UInt8], at directory: Int32, flags: Int32) throws(ErrorNumber) -> Int32 {
    try retryingInterrupted { withPathBytes(name) { openat(directory, $0, flags | O_NOFOLLOW | O_CLOEXEC) } }
  }

  private static let separator = UInt8(ascii: "/")
}
