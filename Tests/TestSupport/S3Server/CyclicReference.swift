/// CRCs bit by bit, straight from their definition: what others are compared with.
package enum CyclicReference {
  package static func crc32c(_ message: [UInt8]) -> UInt64 { checksum(message, 0x82F6_3B78, ones: 0xFFFF_FFFF) }
  package static func crc64nvme(_ message: [UInt8]) -> UInt64 {
    checksum(message, 0x9A6C_9329_AC4B_C9B5, ones: .max)
  }

  private static func checksum(_ message: [UInt8], _ polynomial: UInt64, ones: UInt64) -> UInt64 {
    var value = ones
    for byte in message {
      value ^= UInt64(byte)
      for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ polynomial }
    }
    return value ^ ones
  }
}
