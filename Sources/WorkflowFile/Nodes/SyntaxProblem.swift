/// Why a file cannot be read on as YAML.
struct SyntaxProblem: Error {
  let message: String
  let line: Int
  let column: Int

  init(message: String, mark: Mark) {
    self.message = message
    self.line = mark.line
    self.column = mark.column
  }
}
