/// The name that was probably meant by `word`: at most two slips away, and at most one for each three letters.
package func nearest(to word: String, among names: [String]) -> String? {
  let letters = Array(word.utf8)
  guard letters.count <= 64 else { return nil }
  let near = names.map { (name: $0, slips: slips(letters, Array($0.utf8))) }
    .filter { $0.slips <= 2 && $0.slips * 3 <= $0.name.utf8.count }
  return near.min { ($0.slips, $0.name) < ($1.slips, $1.name) }?.name
}

/// How many letters were left out, added, changed or swapped with their neighbour (Damerau and Levenshtein's distance
/// in its restricted form: no letter is touched twice).
func slips(_ first: [UInt8], _ second: [UInt8]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...second.count)
  for (row, letter) in first.enumerated() {
    var current = [row + 1]
    for (column, other) in second.enumerated() {
      var best = min(last[column + 1], current[column]) + 1
      best = min(best, last[column] + (letter == other ? 0 : 1))
      if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
        best = min(best, beforeLast[column - 1] + 1)
      }
      current.append(best)
    }
    (beforeLast, last) = (last, current)
  }
  return last[second.count]
}
