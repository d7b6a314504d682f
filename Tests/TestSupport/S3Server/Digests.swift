import Glibc

/// SHA-256, HMAC and MD5 of the test server's own, so that it shares no code with what it judges. Written with
/// pointers and plain loops: without the optimizer iterators cost more than the arithmetic.
enum Digests {
  /// FIPS 180-4.
  static func sha256(_ message: [UInt8]) -> [UInt8] {
    var state: [UInt32] = [
      0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
    ]
    withBlocks(of: message, lengthIsBigEndian: true) { block in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
        guard let words = schedule.baseAddress else { return }
        state.withUnsafeMutableBufferPointer { hash in
          sha256Words.withUnsafeBufferPointer { constants in
            guard let hash = hash.baseAddress, let constants = constants.baseAddress else { return }
            sha256Block(block, words, constants, hash)
          }
        }
      }
    }
    return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
  }

  /// RFC 2104 over SHA-256.
  static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    let short = key.count > 64 ? sha256(key) : key
    let padded = short + [UInt8](repeating: 0, count: 64 - short.count)
    return sha256(padded.map { $0 ^ 0x5C } + sha256(padded.map { $0 ^ 0x36 } + message))
  }

  /// RFC 1321.
  static func md5(_ message: [UInt8]) -> [UInt8] {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
    withBlocks(of: message, lengthIsBigEndian: false) { block in
      state.withUnsafeMutableBufferPointer { hash in
        md5Words.withUnsafeBufferPointer { constants in
          guard let hash = hash.baseAddress, let constants = constants.baseAddress else { return }
          md5Block(block, constants, hash)
        }
      }
    }
    return state.flatMap { word in [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: word >> $0) } }
  }

  /// Both pad alike: one bit, zeros, the length in bits.
  private static func withBlocks(
    of message: [UInt8], lengthIsBigEndian: Bool, _ body: (UnsafePointer<UInt8>) -> Void
  ) {
    let whole = message.count / 64 * 64
    message.withUnsafeBufferPointer { bytes in
      var offset = 0
      while offset < whole, let base = bytes.baseAddress {
        body(base + offset)
        offset += 64
      }
    }
    var tail = Array(message[whole...]) + [0x80]
    while tail.count % 64 != 56 { tail.append(0) }
    let bits = UInt64(message.count) * 8
    let shifts = stride(from: UInt64(0), to: 64, by: 8)
    tail += (lengthIsBigEndian ? shifts.reversed() : Array(shifts)).map { UInt8(truncatingIfNeeded: bits >> $0) }
    tail.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return }
      body(base)
      if bytes.count == 128 { body(base + 64) }
    }
  }

  private static func sha256Block(
    _ block: UnsafePointer<UInt8>, _ w: UnsafeMutablePointer<UInt32>, _ k: UnsafePointer<UInt32>,
    _ hash: UnsafeMutablePointer<UInt32>
  ) {
    var i = 0
    while i < 16 {
      let at = i * 4
      w[i] = UInt32(block[at]) << 24 | UInt32(block[at + 1]) << 16 | UInt32(block[at + 2]) << 8 | UInt32(block[at + 3])
      i += 1
    }
    while i < 64 {
      let x = w[i - 15]
      let y = w[i - 2]
      let small0 = (x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ (x >> 3)
      let small1 = (y >> 17 | y << 15) ^ (y >> 19 | y << 13) ^ (y >> 10)
      w[i] = w[i - 16] &+ small0 &+ w[i - 7] &+ small1
      i += 1
    }
    var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
    var (e, f, g, h) = (hash[4], hash[5], hash[6], hash[7])
    i = 0
    while i < 64 {
      let large1 = (e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)
      let one = h &+ large1 &+ ((e & f) ^ (~e & g)) &+ k[i] &+ w[i]
      let large0 = (a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)
      let two = large0 &+ ((a & b) ^ (a & c) ^ (b & c))
      h = g
      g = f
      f = e
      e = d &+ one
      d = c
      c = b
      b = a
      a = one &+ two
      i += 1
    }
    hash[0] &+= a
    hash[1] &+= b
    hash[2] &+= c
    hash[3] &+= d
    hash[4] &+= e
    hash[5] &+= f
    hash[6] &+= g
    hash[7] &+= h
  }

  private static func md5Block(
    _ block: UnsafePointer<UInt8>, _ k: UnsafePointer<UInt32>, _ hash: UnsafeMutablePointer<UInt32>
  ) {
    var (a, b, c, d) = (hash[0], hash[1], hash[2], hash[3])
    var i = 0
    while i < 64 {
      let mix: UInt32
      let word: Int
      if i < 16 {
        (mix, word) = ((b & c) | (~b & d), i)
      } else if i < 32 {
        (mix, word) = ((d & b) | (~d & c), (5 * i + 1) & 15)
      } else if i < 48 {
        (mix, word) = (b ^ c ^ d, (3 * i + 5) & 15)
      } else {
        (mix, word) = (c ^ (b | ~d), (7 * i) & 15)
      }
      let at = word * 4
      let input =
        UInt32(block[at]) | UInt32(block[at + 1]) << 8 | UInt32(block[at + 2]) << 16 | UInt32(block[at + 3]) << 24
      let sum = a &+ mix &+ k[i] &+ input
      let turn = md5Turns[i / 16 * 4 + i % 4]
      a = d
      d = c
      c = b
      b = b &+ (sum << turn | sum >> (32 - turn))
      i += 1
    }
    hash[0] &+= a
    hash[1] &+= b
    hash[2] &+= c
    hash[3] &+= d
  }

  private static let md5Turns: [UInt32] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
  /// floor(2³² · |sin(i + 1)|), as RFC 1321 has it.
  private static let md5Words = (1...64).map { UInt32(4_294_967_296 * abs(sin(Double($0)))) }
  /// The fractions of the cube roots of the first 64 primes, in exact integer arithmetic.
  private static let sha256Words: [UInt32] = firstPrimes(64).map { prime in
    // floor(2³² · ∛p) = floor(∛(p · 2⁹⁶)); the low 32 bits are the fraction.
    let radicand = UInt128(prime) << 96
    var root: UInt128 = 0
    for bit in stride(from: 35, through: 0, by: -1) {
      let candidate = root | UInt128(1) << UInt128(bit)
      if candidate * candidate * candidate <= radicand { root = candidate }
    }
    return UInt32(truncatingIfNeeded: root)
  }

  private static func firstPrimes(_ count: Int) -> [Int] {
    var primes: [Int] = []
    var candidate = 2
    while primes.count < count {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes
  }
}
