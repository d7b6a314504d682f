import SlipwayModel

/// The bytes as they stand in a URL's path: `/` stays.
func percentEncoded(_ bytes: [UInt8]) -> String {
  bytes.map(percentEncoded).joined()
}

func percentEncoded(_ key: ObjectKey) -> String { percentEncoded(key.bytes) }

private func percentEncoded(_ byte: UInt8) -> String {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
    UInt8(ascii: "~"), UInt8(ascii: "/"):
    String(decoding: [byte], as: UTF8.self)
  default: "%" + hexadecimal(byte).uppercased()
  }
}
