import SlipwayModel

/// A place in a source file; line and column count from 1, columns in Unicode scalars.
struct Mark {
  let source: SourceFile
  let line: Int
  let column: Int

  var location: SourceLocation { SourceLocation(file: source.name, line: line, column: column) }
}

/// A value and where it stands.
struct Located<Value> {
  let value: Value
  let mark: Mark

  init(_ value: Value, _ mark: Mark) {
    self.value = value
    self.mark = mark
  }
}
