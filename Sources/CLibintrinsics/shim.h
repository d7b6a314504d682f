// Instructions of the CPU that Swift has no words for. Each function may be called only where the one that tells
// whether the CPU has the instruction says so: the program itself is built for the oldest CPU of its kind.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <emmintrin.h>

// Further down the compiler's own names: what <nmmintrin.h> declares is not seen when Swift reads this as a module.
#define SLIPWAY_HAS_CRC32C __attribute__((target("sse4.2")))
#define SLIPWAY_HAS_MULTIPLY __attribute__((target("pclmul,sse4.1")))
typedef __m128i slipway_block;

// Bits of ECX of CPUID's leaf 1 (Intel SDM, volume 2, CPUID).
static inline int slipway_cpu_has(unsigned int bit) {
  unsigned int eax, ebx, ecx = 0, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit) == bit;
}
static inline int slipway_has_crc32c(void) { return slipway_cpu_has(bit_SSE4_2); }
static inline int slipway_has_carryless_multiply(void) { return slipway_cpu_has(bit_PCLMULQDQ | bit_SSE4_1); }

SLIPWAY_HAS_CRC32C static inline uint64_t slipway_crc32c_word(uint64_t value, uint64_t word) {
  return __builtin_ia32_crc32di(value, word);
}
SLIPWAY_HAS_CRC32C static inline uint64_t slipway_crc32c_byte(uint64_t value, uint8_t byte) {
  return __builtin_ia32_crc32qi((uint32_t)value, byte);
}
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_load(const void *bytes) {
  return _mm_loadu_si128((const __m128i *)bytes);
}
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_words(uint64_t first, uint64_t second) {
  return _mm_set_epi64x((long long)second, (long long)first);
}
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_xor(slipway_block left, slipway_block right) {
  return _mm_xor_si128(left, right);
}
// first word * first key + second word * second key.
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_multiply(slipway_block block, slipway_block keys) {
  return _mm_xor_si128(
      __builtin_ia32_pclmulqdq128(block, keys, 0x00), __builtin_ia32_pclmulqdq128(block, keys, 0x11));
}

#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>

#define SLIPWAY_HAS_CRC32C __attribute__((target("crc")))
#define SLIPWAY_HAS_MULTIPLY __attribute__((target("aes")))
typedef uint64x2_t slipway_block;

// HWCAP_CRC32 and HWCAP_PMULL of <asm/hwcap.h>.
static inline int slipway_has_crc32c(void) { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }
static inline int slipway_has_carryless_multiply(void) { return (getauxval(AT_HWCAP) & (1UL << 4)) != 0; }

SLIPWAY_HAS_CRC32C static inline uint64_t slipway_crc32c_word(uint64_t value, uint64_t word) {
  return __builtin_arm_crc32cd((uint32_t)value, word);
}
SLIPWAY_HAS_CRC32C static inline uint64_t slipway_crc32c_byte(uint64_t value, uint8_t byte) {
  return __builtin_arm_crc32cb((uint32_t)value, byte);
}
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_load(const void *bytes) {
  return vreinterpretq_u64_u8(vld1q_u8((const uint8_t *)bytes));
}
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_words(uint64_t first, uint64_t second) {
  return vcombine_u64(vcreate_u64(first), vcreate_u64(second));
}
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_xor(slipway_block left, slipway_block right) {
  return veorq_u64(left, right);
}
// first word * first key + second word * second key.
SLIPWAY_HAS_MULTIPLY static inline slipway_block slipway_multiply(slipway_block block, slipway_block keys) {
  poly128_t first = vmull_p64((poly64_t)vgetq_lane_u64(block, 0), (poly64_t)vgetq_lane_u64(keys, 0));
  poly128_t second = vmull_high_p64(vreinterpretq_p64_u64(block), vreinterpretq_p64_u64(keys));
  return veorq_u64(vreinterpretq_u64_p128(first), vreinterpretq_u64_p128(second));
}
#endif

#if defined(__x86_64__) || defined(__aarch64__)
// CRC-32C of count more bytes, without the inversions at start and end.
SLIPWAY_HAS_CRC32C static inline uint64_t slipway_crc32c(uint64_t value, const void *bytes, size_t count) {
  const uint8_t *next = (const uint8_t *)bytes;
  for (; count >= 8; next += 8, count -= 8) {
    uint64_t word;
    memcpy(&word, next, sizeof word);
    value = slipway_crc32c_word(value, word);
  }
  for (; count > 0; next++, count--) value = slipway_crc32c_byte(value, *next);
  return value;
}

// Folds count bytes, a multiple of 16 and at least 64, into the 16 of result, which have the same remainder as all of
// them: a block is moved over the distance to another one by multiplying its halves by the remainders of powers of x
// (Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ, Intel 2009). keys has the two for a
// distance of 64 bytes and then the two for 16. Four blocks at a time, because a product is some cycles under way.
SLIPWAY_HAS_MULTIPLY static inline void slipway_fold(
    uint64_t value, const void *bytes, size_t count, const uint64_t *keys, uint64_t *result) {
  const uint8_t *next = (const uint8_t *)bytes;
  const slipway_block far = slipway_words(keys[0], keys[1]);
  const slipway_block near = slipway_words(keys[2], keys[3]);
  slipway_block a = slipway_xor(slipway_load(next), slipway_words(value, 0));
  slipway_block b = slipway_load(next + 16);
  slipway_block c = slipway_load(next + 32);
  slipway_block d = slipway_load(next + 48);
  for (next += 64, count -= 64; count >= 64; next += 64, count -= 64) {
    a = slipway_xor(slipway_multiply(a, far), slipway_load(next));
    b = slipway_xor(slipway_multiply(b, far), slipway_load(next + 16));
    c = slipway_xor(slipway_multiply(c, far), slipway_load(next + 32));
    d = slipway_xor(slipway_multiply(d, far), slipway_load(next + 48));
  }
  b = slipway_xor(slipway_multiply(a, near), b);
  c = slipway_xor(slipway_multiply(b, near), c);
  d = slipway_xor(slipway_multiply(c, near), d);
  for (; count >= 16; next += 16, count -= 16) d = slipway_xor(slipway_multiply(d, near), slipway_load(next));
  memcpy(result, &d, sizeof d);
}

#else
// Another CPU: the tables do it all.
static inline int slipway_has_crc32c(void) { return 0; }
static inline int slipway_has_carryless_multiply(void) { return 0; }
static inline uint64_t slipway_crc32c(uint64_t value, const void *bytes, size_t count) { return value; }
static inline void slipway_fold(
    uint64_t value, const void *bytes, size_t count, const uint64_t *keys, uint64_t *result) {}
#endif
