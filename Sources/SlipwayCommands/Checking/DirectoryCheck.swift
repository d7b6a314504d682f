import Glibc
import S3Client
import SlipwayModel

/// Whether a directory destination can be written.
struct DirectoryCheck {
  let path: BytePath

  var finding: CheckFinding {
    let place = existing
    guard Self.call(place, { access($0, W_OK | X_OK) }) == 0 else {
      return CheckFinding(
        .failed, "directory", "\(place) cannot be written (\(String(cString: strerror(errno))))",
        remedy: "let the user who runs slipway write there")
    }
    var room = statvfs()
    guard Self.call(place, { statvfs($0, &room) }) == 0 else {
      return CheckFinding(.failed, "directory", "\(place): \(String(cString: strerror(errno)))")
    }
    let free = ProgressLine.size(Double(room.f_bavail) * Double(room.f_frsize))
    return CheckFinding(
      .ok, "directory", place == path ? "\(path), \(free) free" : "\(path) will be made, \(free) free")
  }

  /// The directory itself, or the nearest above it that is there.
  private var existing: BytePath {
    var place = path
    while Self.call(place, { access($0, F_OK) }) != 0, errno == ENOENT, place.parent != place { place = place.parent }
    return place
  }

  private static func call(_ path: BytePath, _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
    body(path.bytes.map { CChar(bitPattern: $0) } + [0])
  }
}
