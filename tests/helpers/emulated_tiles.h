// What the intrinsics of AMX and AVX-512 that recurrent.cc calls do, in plain C++, after Intel's
// descriptions: so its form amxbf16 runs on any processor. What a processor would refuse aborts.
#pragma once

#include <cmath>
#include <cstdlib>
#include <cstring>

#include <immintrin.h>

#define __AVX512F__ 1
#define __AVX512BF16__ 1
#define __AMX_BF16__ 1

namespace emulated {

typedef float F16 __attribute__((vector_size(64)));
typedef unsigned U16 __attribute__((vector_size(64)));
typedef unsigned short H16 __attribute__((vector_size(32)));
typedef float F8 __attribute__((vector_size(32)));

#define EACH(type, value) ([&] { type r{}; for (int i = 0; i < 16; i++) r[i] = value; return r; }())

// ---- AVX-512 and its numbers of half the size. --------------------------------------------------
static inline unsigned bits_of(float v) { unsigned bits; std::memcpy(&bits, &v, 4); return bits; }
static inline float number_of(unsigned bits) { float v; std::memcpy(&v, &bits, 4); return v; }
static inline float flushed(float v) { return std::fabs(v) < 0x1p-126f ? std::copysign(0.0f, v) : v; }

static inline unsigned short to_bfloat16(float v) {  // subnormal numbers are taken for zero
  const unsigned bits = bits_of(flushed(v));
  return (unsigned short)(v == v ? (bits + 0x7fff + (bits >> 16 & 1)) >> 16 : bits >> 16 | 0x40);
}
static inline unsigned short to_half(float v) { const _Float16 h = (_Float16)v; unsigned short s; std::memcpy(&s, &h, 2); return s; }
static inline float from_half(unsigned short s) { _Float16 h; std::memcpy(&h, &s, 2); return (float)h; }
static inline float sum(F16 v) { float s = 0; for (int i = 0; i < 16; i++) s += v[i]; return s; }

#define _mm512_stream_ps(p, v) (*(emulated::F16*)(p) = (v))
#define _mm256_stream_si256(p, v) (*(p) = (v))
#define _mm256_storeu_si256(p, v) ([](void* to, __m256i from) { std::memcpy(to, &from, 32); }(p, v))
#define _mm512_reduce_add_ps(v) emulated::sum(v)
#define _mm512_maskz_rcp14_ps(mask, v) EACH(emulated::F16, 1.0f / (v)[i])
#define _mm512_fmadd_ps(a, b, c) EACH(emulated::F16, std::fma((a)[i], (b)[i], (c)[i]))
#define _mm512_fnmadd_ps(a, b, c) EACH(emulated::F16, std::fma(-(a)[i], (b)[i], (c)[i]))
#define _mm512_min_ps(a, b) ([](emulated::F16 x, emulated::F16 y) { return EACH(emulated::F16, x[i] < y[i] ? x[i] : y[i]); }(a, b))
#define _mm512_maskz_reduce_ps(mask, v, imm) EACH(emulated::F16, (v)[i] - std::nearbyint((v)[i]))
#define _mm512_scalef_ps(a, b) ([](emulated::F16 x, emulated::F16 y) { return EACH(emulated::F16, x[i] * std::exp2(std::floor(y[i]))); }(a, b))
#define _mm512_cvtps_ph(v, imm) EACH(emulated::H16, emulated::to_half((v)[i]))
#define _mm512_cvtph_ps(v) ([](emulated::H16 h) { return EACH(emulated::F16, emulated::from_half(h[i])); }((emulated::H16)(v)))
#define _mm256_movepi16_mask(v) ([](emulated::H16 h) { int mask = 0; for (int i = 0; i < 16; i++) mask |= (h[i] >> 15) << i; return (__mmask16)mask; }((emulated::H16)(v)))
#define _mm512_mask_add_ps(source, mask, a, b) EACH(emulated::F16, (mask) >> i & 1 ? (a)[i] + (b)[i] : (source)[i])
#define _mm512_cvtneps_pbh(v) ([](emulated::F16 f) { return EACH(emulated::H16, emulated::to_bfloat16(f[i])); }((emulated::F16)(v)))
#define _mm512_cvtepu16_epi32(v) ([](emulated::H16 h) { return (__m512i)EACH(emulated::U16, h[i]); }((emulated::H16)(v)))
#define _mm512_or_si512(a, b) ((a) | (b))
#define _mm512_slli_epi32(v, n) ((__m512i)((emulated::U16)(v) << n))
#define _mm512_permutex2var_epi32(a, which, b) ([](emulated::U16 x, emulated::U16 w, emulated::U16 y) { \
  return (__m512i)EACH(emulated::U16, w[i] & 16 ? y[w[i] & 15] : x[w[i] & 15]); }((emulated::U16)(a), (emulated::U16)(which), (emulated::U16)(b)))

// ---- Tiles. -------------------------------------------------------------------------------------
struct Tile { long rows, bytes; alignas(64) unsigned char at[16][64]; };
static thread_local Tile tiles[8];
static thread_local bool configured = false;

static inline void must(bool holds) { if (!holds) std::abort(); }
static inline Tile& in_use(int t) { must(configured && tiles[t].rows); return tiles[t]; }
static inline void zero(int t) { std::memset(in_use(t).at, 0, sizeof tiles[t].at); }

static inline void configure(const void* from) {
  unsigned char c[64];
  std::memcpy(c, from, 64);
  must(c[0] == 1 && c[1] == 0);  // palette, first row
  for (int i = 2; i < 16; i++) must(c[i] == 0);
  for (int t = 0; t < 16; t++) {
    const long bytes = c[16 + 2 * t] + 256 * c[17 + 2 * t], rows = c[48 + t];
    must(bytes <= 64 && rows <= 16 && bytes % 4 == 0 && !bytes == !rows && (t < 8 || !rows));
    if (t < 8) tiles[t] = Tile{rows, bytes, {}};
  }
  configured = true;
}
static inline void load(int t, const void* base, long stride) {
  zero(t);
  for (long r = 0; r < tiles[t].rows; r++) std::memcpy(tiles[t].at[r], (const char*)base + r * stride, tiles[t].bytes);
}
static inline void stored(int t, void* base, long stride) {
  for (long r = 0; r < in_use(t).rows; r++) std::memcpy((char*)base + r * stride, tiles[t].at[r], tiles[t].bytes);
}
// Of each pair the first numbers' and the second numbers' products have sums of their own.
static inline void multiply(int to, int left, int right) {
  Tile &c = in_use(to), &a = in_use(left), &b = in_use(right);
  must(to != left && to != right && left != right && c.rows == a.rows && c.bytes == b.bytes && a.bytes / 4 == b.rows);
  static thread_local float x[16][32], y[16][32];
  const auto numbers = [](const Tile& t, float (*to)[32]) {
    for (long r = 0; r < t.rows; r++)
      for (long i = 0; i < t.bytes / 2; i++) {
        unsigned short half;
        std::memcpy(&half, t.at[r] + 2 * i, 2);
        to[r][i] = flushed(number_of((unsigned)half << 16));
      }
  };
  numbers(a, x), numbers(b, y);
  for (long m = 0; m < c.rows; m++)
    for (long n = 0; n < c.bytes / 4; n++) {
      float first = 0, second = 0, sum;
      for (long k = 0; k < b.rows; k++) {
        first = flushed(first + x[m][2 * k] * y[k][2 * n]);  // the product is exact
        second = flushed(second + x[m][2 * k + 1] * y[k][2 * n + 1]);
      }
      std::memcpy(&sum, c.at[m] + 4 * n, 4);
      sum = flushed(flushed(sum) + flushed(first + second));
      std::memcpy(c.at[m] + 4 * n, &sum, 4);
    }
}
#define _tile_loadconfig(p) emulated::configure(p)
#define _tile_release() (emulated::configured = false)
#define _tile_zero(t) emulated::zero(t)
#define _tile_loadd(t, p, stride) emulated::load(t, p, stride)
#define _tile_stored(t, p, stride) emulated::stored(t, p, stride)
#define _tile_dpbf16ps(c, a, b) emulated::multiply(c, a, b)

}  // namespace emulated
