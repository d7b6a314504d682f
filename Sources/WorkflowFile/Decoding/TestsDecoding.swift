import SlipwayModel

private enum TestKey: String, CaseIterable {
  case path, key, skip
}

extension DecodingContext {
  /// `tests:` of a workflow; those that are wrong are reported and left out.
  func tests(_ node: Node) -> [WorkflowTest] {
    (list(node) ?? []).compactMap(test)
  }

  private func test(_ node: Node) -> WorkflowTest? {
    guard let reader = MappingReader<TestKey>(node, self) else { return nil }
    let path = reader.required(.path).flatMap(pathBelowWatch)
    let expectation = expectation(reader)
    guard let path, let expectation else { return nil }
    return WorkflowTest(path: path, expectation: expectation, location: node.mark.location)
  }

  private func expectation(_ reader: MappingReader<TestKey>) -> WorkflowTest.Expectation? {
    switch (reader[.key], reader[.skip]) {
    case (let key?, nil): return template(key).map { .key($0) }
    case (nil, let skip?): return choice(skip, of: SkipReason.Name.self).map { .skip($0) }
    case (nil, nil): error("missing key 'key' or 'skip'", at: reader.mark)
    case (.some, .some): error("'skip' cannot stand beside 'key'", at: reader.mark(of: .skip))
    }
    return nil
  }

  private func pathBelowWatch(_ node: Node) -> BytePath? {
    guard let text = text(node, expecting: "a path") else { return nil }
    let path = BytePath(text).normalized
    let leaves = path.components.first.map { $0.elementsEqual([0x2E, 0x2E]) } ?? false
    if !path.isAbsolute, !leaves, path != .here { return path }
    error("expected a path below the watched directory, found \(quoted(text))", at: node.mark)
    return nil
  }
}
