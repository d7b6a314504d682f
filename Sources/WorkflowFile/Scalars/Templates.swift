import SlipwayModel

extension DecodingContext {
  /// A template whose environment variables are set and whose literal text can stand in a key.
  func template(_ node: Node) -> Template? {
    guard let text = text(node, allowingEmpty: true) else { return nil }
    do throws(TemplateProblem) {
      let template = try Template(parsing: text)
      return check(template, at: node.mark) ? template : nil
    } catch {
      self.error("bad template at offset \(error.offset): \(Self.cut(error.message))", at: node.mark)
      return nil
    }
  }

  /// A message that quotes the template may be as long as an environment variable.
  private static func cut(_ message: String) -> String {
    let longest = 300
    return message.unicodeScalars.count > longest ? String(message.unicodeScalars.prefix(longest)) + "…" : message
  }

  private func check(_ template: Template, at mark: Mark) -> Bool {
    let unset = template.environmentNames.filter { environment[$0] == nil }
    for name in unset {
      error("the environment variable \(quoted(name)) of {env.\(escaped(name.utf8.prefix(80)))} is not set", at: mark)
    }
    guard unset.isEmpty else { return false }
    return check(keyPart: trimmingSlashes(template.evaluated(with: example(for: template))), at: mark)
  }

  /// Whether `bytes`, without slashes at their ends, can stand in a key.
  func check(keyPart bytes: [UInt8], at mark: Mark) -> Bool {
    guard !bytes.isEmpty, let problem = KeyMapping.problem(with: ObjectKey(bytes)) else { return true }
    error(problem, at: mark)
    return false
  }

  /// What the fields might stand for: the environment is known, the others are plain names.
  private func example(for template: Template) -> Template.Values {
    let variables = template.environmentNames.map { ($0, Array((environment[$0] ?? "").utf8)) }
    return Template.Values(
      workflow: WorkflowName("w"), tree: BytePath("t"), run: RunID("r"), date: CalendarDate(Timestamp(seconds: 0)),
      environment: Dictionary(variables) { first, _ in first }, host: "h")
  }
}
