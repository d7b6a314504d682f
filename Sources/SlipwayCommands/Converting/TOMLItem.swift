import SlipwayModel
import TOMLKit

/// A value of a TOML file, taken out of the library's hands.
enum TOMLItem {
  case table([String: TOMLItem])
  case array([TOMLItem])
  case text(String)
  case boolean(Bool)
  /// A number or a time.
  case other

  /// Of several files later ones win key by key; arrays are replaced whole. Throws what is wrong with the first file that
  /// cannot be read, for people.
  static func merged(_ files: [String]) throws(ConversionProblem) -> TOMLItem {
    var merged = TOMLItem.table([:])
    for file in files { merged = merged.overlaid(by: try read(file)) }
    return merged
  }

  private func overlaid(by later: TOMLItem) -> TOMLItem {
    guard case .table(let own) = self, case .table(let others) = later else { return later }
    return .table(own.merging(others) { $0.overlaid(by: $1) })
  }

  private static func read(_ file: String) throws(ConversionProblem) -> TOMLItem {
    let name = escaped(file.utf8)
    let bytes = try ForeignFile.content(of: file)
    // The library reads up to a NUL.
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw ConversionProblem(message: "\(name): the file is not UTF-8 text")
    }
    do {
      let table = try TOMLTable(string: text)
      // What it hands out points into it.
      return withExtendedLifetime(table) { TOMLItem(table) }
    } catch let error as TOMLParseError {
      // Its words may quote what stands there, which may be a secret.
      throw ConversionProblem(
        message: "\(name):\(error.source.begin.line):\(error.source.begin.column): error: this is not TOML")
    } catch {
      throw ConversionProblem(message: "\(name): this is not TOML")
    }
  }

  private init(_ value: any TOMLValueConvertible) {
    switch value.type {
    case .table:
      let table = value.table
      self = .table(
        Dictionary((table?.keys ?? []).compactMap { key in table?[key].map { (key, TOMLItem($0)) } }) { $1 })
    case .array: self = .array((value.array.map(Array.init) ?? []).map { TOMLItem($0) })
    case .string: self = value.string.map(TOMLItem.text) ?? .other
    case .bool: self = value.bool.map(TOMLItem.boolean) ?? .other
    default: self = .other
    }
  }
}
