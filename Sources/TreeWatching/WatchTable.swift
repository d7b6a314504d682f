import Glibc

/// Which watch is which directory: for each its parent and its name, some 50 bytes all told. A directory without a
/// watch, because the kernel gives no more, has an entry too. For one thread.
struct WatchTable {
  typealias Index = UInt32
  static let none = Index.max
  static let noWatch: Int32 = -1

  struct Entry {
    fileprivate(set) var watch: Int32
    /// `none` for a root that lies below no other.
    fileprivate(set) var parent: Index
    fileprivate var firstChild = WatchTable.none
    fileprivate var next = WatchTable.none
    fileprivate var previous = WatchTable.none
    /// Where its name begins in `names`.
    fileprivate var name: UInt32
    /// The pass of listing that came by last.
    var pass: UInt8
    /// Whether a root's path leads to it.
    var isRoot = false
    fileprivate var isFree = false
  }

  private var entries: [Entry] = []
  private var byWatch: [Int32: Index] = [:]
  /// Chained by `next`.
  private var firstFree = none
  /// Each with a NUL behind it.
  private var names: [CChar] = []
  private var unusedNameBytes = 0

  /// Garbage below that is left lying.
  private static let unusedNameBytesMin = 64 << 10

  private(set) var count = 0

  subscript(index: Index) -> Entry {
    get { entries[Int(index)] }
    set { entries[Int(index)] = newValue }
  }

  func index(of watch: Int32) -> Index? { byWatch[watch] }

  /// Whether `index` still is the directory that had `watch` when it was noted.
  func holds(_ index: Index, watch: Int32) -> Bool {
    Int(index) < entries.count && !self[index].isFree && self[index].watch == watch
  }

  var indices: some Sequence<Index> {
    (0..<Index(entries.count)).lazy.filter { !entries[Int($0)].isFree }
  }

  /// `watch` must be new to the table, or `noWatch`.
  mutating func insert(watch: Int32, parent: Index, name: UnsafePointer<CChar>, pass: UInt8) -> Index {
    let entry = Entry(watch: watch, parent: parent, name: append(name), pass: pass)
    let index: Index
    if firstFree != Self.none {
      index = firstFree
      firstFree = self[index].next
      self[index] = entry
    } else {
      index = Index(entries.count)
      entries.append(entry)
    }
    if watch != Self.noWatch { byWatch[watch] = index }
    link(index, to: parent)
    count += 1
    return index
  }

  /// Gives a directory another place. Never called with a parent that lies below it.
  mutating func move(_ index: Index, to parent: Index, name: UnsafePointer<CChar>) {
    unlink(index)
    let unused = nameLength(index) + 1
    self[index].name = append(name)
    forget(unused)
    link(index, to: parent)
  }

  /// The directory keeps its entry and no longer has a place below another.
  mutating func detach(_ index: Index) {
    unlink(index)
    self[index].parent = Self.none
  }

  /// Without those below it: they go first.
  mutating func remove(_ index: Index) {
    unlink(index)
    if self[index].watch != Self.noWatch { byWatch[self[index].watch] = nil }
    let unused = nameLength(index) + 1
    self[index].isFree = true
    self[index].next = firstFree
    firstFree = index
    count -= 1
    forget(unused)
  }

  /// The directory and all below it, parents first.
  func subtree(_ index: Index) -> [Index] {
    var found = [index]
    var position = 0
    while position < found.count {
      var child = self[found[position]].firstChild
      while child != Self.none {
        found.append(child)
        child = self[child].next
      }
      position += 1
    }
    return found
  }

  /// Whether `index` is `ancestor` or lies below it.
  func isWithin(_ index: Index, _ ancestor: Index) -> Bool {
    var current = index
    while current != Self.none {
      if current == ancestor { return true }
      current = self[current].parent
    }
    return false
  }

  func hasName(_ index: Index, _ name: UnsafePointer<CChar>) -> Bool {
    withName(index) { strcmp($0, name) == 0 }
  }

  /// The name is valid during the call.
  func withName<Answer>(_ index: Index, _ body: (UnsafePointer<CChar>) -> Answer) -> Answer {
    names.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { body($0 + Int(self[index].name)) } ?? body("")
    }
  }

  /// The path from `ancestor`, below which it lies, to `index`: each name with a slash before it.
  func appendPath(of index: Index, below ancestor: Index, to path: inout [UInt8]) {
    var chain: [Index] = []
    var current = index
    while current != ancestor, current != Self.none {
      chain.append(current)
      current = self[current].parent
    }
    for step in chain.reversed() {
      path.append(UInt8(ascii: "/"))
      withName(step) { name in
        path.append(contentsOf: UnsafeRawBufferPointer(start: name, count: strlen(name)))
      }
    }
  }

  private func nameLength(_ index: Index) -> Int { withName(index) { strlen($0) } }

  private mutating func append(_ name: UnsafePointer<CChar>) -> UInt32 {
    let place = UInt32(names.count)
    names.append(contentsOf: UnsafeBufferPointer(start: name, count: strlen(name) + 1))
    return place
  }

  private mutating func link(_ index: Index, to parent: Index) {
    self[index].parent = parent
    guard parent != Self.none else { return }
    let sibling = self[parent].firstChild
    self[index].next = sibling
    if sibling != Self.none { self[sibling].previous = index }
    self[parent].firstChild = index
  }

  private mutating func unlink(_ index: Index) {
    let entry = self[index]
    if entry.previous != Self.none {
      self[entry.previous].next = entry.next
    } else if entry.parent != Self.none {
      self[entry.parent].firstChild = entry.next
    }
    if entry.next != Self.none { self[entry.next].previous = entry.previous }
    self[index].next = Self.none
    self[index].previous = Self.none
  }

  /// Packs the names anew once most of them are nobody's.
  private mutating func forget(_ bytes: Int) {
    unusedNameBytes += bytes
    guard unusedNameBytes > Self.unusedNameBytesMin, unusedNameBytes * 2 > names.count else { return }
    var packed: [CChar] = []
    packed.reserveCapacity(names.count - unusedNameBytes)
    for index in indices {
      let place = UInt32(packed.count)
      withName(index) { packed.append(contentsOf: UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
      self[index].name = place
    }
    names = packed
    unusedNameBytes = 0
  }
}
