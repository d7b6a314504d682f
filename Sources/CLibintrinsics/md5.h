// MD5 (RFC 1321) of eight messages in step, a lane of vectors for each: one message alone leaves most of the CPU idle,
// because each of its steps waits for the last. The vectors are the compiler's own, so that any CPU has them; Swift's
// SIMD types shift lane by lane.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SLIPWAY_INLINE static inline __attribute__((always_inline))
typedef uint32_t slipway_four __attribute__((vector_size(16)));
// A word of each message.
typedef uint32_t slipway_eight __attribute__((vector_size(32)));

// RFC 1321, section 3.4: the whole part of 4294967296 * abs(sin(i)).
static const uint32_t slipway_md5_sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

// Four words of the messages of two lanes.
SLIPWAY_INLINE slipway_eight slipway_md5_pair(const uint8_t *low, const uint8_t *high) {
  slipway_four first, second;
  memcpy(&first, low, sizeof first);
  memcpy(&second, high, sizeof second);
  return __builtin_shufflevector(first, second, 0, 1, 2, 3, 4, 5, 6, 7);
}

// The next four words of each message: what lies in rows becomes columns.
SLIPWAY_INLINE void slipway_md5_load(const uint8_t *const *next, size_t offset, slipway_eight *words) {
  slipway_eight a = slipway_md5_pair(next[0] + offset, next[4] + offset);
  slipway_eight b = slipway_md5_pair(next[1] + offset, next[5] + offset);
  slipway_eight c = slipway_md5_pair(next[2] + offset, next[6] + offset);
  slipway_eight d = slipway_md5_pair(next[3] + offset, next[7] + offset);
  slipway_eight ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
  slipway_eight cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
  words[0] = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13);
  words[1] = __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
  ab = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  cd = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
  words[2] = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13);
  words[3] = __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
}

// F, G, H and I.
SLIPWAY_INLINE slipway_eight slipway_md5_mix(int round, slipway_eight x, slipway_eight y, slipway_eight z) {
  switch (round) {
    case 0: return z ^ (x & (y ^ z));
    case 1: return (x & z) | (y & ~z);
    case 2: return x ^ y ^ z;
    default: return y ^ (x | ~z);
  }
}

SLIPWAY_INLINE slipway_eight slipway_md5_step(
    int round, int step, int turn, slipway_eight a, slipway_eight b, slipway_eight c, slipway_eight d,
    const slipway_eight *words) {
  static const int first[4] = {0, 1, 5, 0}, stride[4] = {1, 5, 3, 7};
  a += words[(first[round] + step * stride[round]) & 15] + slipway_md5_sines[16 * round + step];
  a += slipway_md5_mix(round, b, c, d);
  return b + (a << turn | a >> (32 - turn));
}

// The 16 steps of a round, on the state's four words.
SLIPWAY_INLINE void slipway_md5_round(int round, const int *turns, const slipway_eight *words, slipway_eight *state) {
  slipway_eight a = state[0], b = state[1], c = state[2], d = state[3];
#pragma clang loop unroll(full)
  for (int step = 0; step < 16; step += 4) {
    a = slipway_md5_step(round, step, turns[0], a, b, c, d, words);
    d = slipway_md5_step(round, step + 1, turns[1], d, a, b, c, words);
    c = slipway_md5_step(round, step + 2, turns[2], c, d, a, b, words);
    b = slipway_md5_step(round, step + 3, turns[3], b, c, d, a, words);
  }
  state[0] = a, state[1] = b, state[2] = c, state[3] = d;
}

SLIPWAY_INLINE void slipway_md5_block(const slipway_eight *words, slipway_eight *state) {
  static const int turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  const slipway_eight a = state[0], b = state[1], c = state[2], d = state[3];
  slipway_md5_round(0, turns[0], words, state);
  slipway_md5_round(1, turns[1], words, state);
  slipway_md5_round(2, turns[2], words, state);
  slipway_md5_round(3, turns[3], words, state);
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

SLIPWAY_INLINE void slipway_md5_run(uint32_t *states, const uint8_t *const *messages, size_t blocks) {
  const uint8_t *next[8], *any = NULL;
  slipway_eight state[4], words[16];
  for (int lane = 0; lane < 8; lane++) any = messages[lane] ? messages[lane] : any;
  if (!any) return;
  for (int lane = 0; lane < 8; lane++) {
    next[lane] = messages[lane] ? messages[lane] : any;
    for (int word = 0; word < 4; word++) state[word][lane] = states[4 * lane + word];
  }
  for (size_t offset = 0; offset < 64 * blocks; offset += 64) {
    for (int quad = 0; quad < 4; quad++) slipway_md5_load(next, offset + 16 * quad, words + 4 * quad);
    slipway_md5_block(words, state);
  }
  for (int lane = 0; lane < 8; lane++) {
    if (!messages[lane]) continue;
    for (int word = 0; word < 4; word++) states[4 * lane + word] = state[word][lane];
  }
}

// Takes the next blocks, of 64 bytes, of each message into its four words of states. Where the message is NULL, its
// words stay as they are.
static inline void slipway_md5(uint32_t *states, const uint8_t *const *messages, size_t blocks) {
  slipway_md5_run(states, messages, blocks);
}

// The same for a CPU that has words of 32 bytes.
#if defined(__x86_64__)
static inline int slipway_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }
__attribute__((target("avx2"))) static inline void slipway_md5_avx2(
    uint32_t *states, const uint8_t *const *messages, size_t blocks) {
  slipway_md5_run(states, messages, blocks);
}
#else
static inline int slipway_has_avx2(void) { return 0; }
static inline void slipway_md5_avx2(uint32_t *states, const uint8_t *const *messages, size_t blocks) {}
#endif
