// Products of bfloat16 by tiles: registers of up to 16 rows of 64 bytes, which the processor multiplies
// whole. In place of the products by vectors (products.h) where a form is compiled for AMX.
//
// Tile 0 and 1 are sums of 16 columns each; 2 is A and 3 is B, for 16 pairs of the depth; 4 and 5 are A and
// B for the pairs that are left.
#pragma once

namespace scanline {
namespace SCANLINE_FORM {
namespace {

constexpr long kTile = 16;  // rows of a tile, columns of sums, pairs of A and B
static_assert(kRows <= kTile && kLanes<float> == kTile, "a block's rows fit a tile, and so does a vector");

// The tiles' shapes; they hold from here to the end of its scope, and so do numbers written before it.
struct Tiles {
  unsigned char palette = 1, first_row = 0, reserved[14] = {};
  unsigned short bytes[16] = {};  // of a row
  unsigned char rows[16] = {};
  long units;

  Tiles(long m, long depth) : units(depth) {
    const long left = depth % kTile;
    shape(0, m, kTile), shape(1, m, kTile);
    shape(2, m, kTile), shape(3, kTile, kTile);
    if (left) shape(4, m, left), shape(5, left, kTile);
    __asm__ volatile("" : : "r"(this) : "memory");  // gcc does not know that tiles are loaded from memory
    _tile_loadconfig(this);
  }
  ~Tiles() { _tile_release(); }
  void shape(int tile, long m, long n) { rows[tile] = (unsigned char)m, bytes[tile] = (unsigned short)(4 * n); }

  // C [rows, NV tiles] = start + A B; A's rows lie `a.ld` apart and B's `b.ld`.
  template <int NV>
  __attribute__((always_inline)) void multiply(Rows<unsigned> a, Rows<unsigned> b, Start<float> start, float* c, long ldc) const {
    if (start.at) {
      _tile_loadd(0, start.at, start.ld * 4);  // ld 0: the same row for all
      if constexpr (NV > 1) _tile_loadd(1, start.at + kTile, start.ld * 4);
    } else {
      _tile_zero(0);
      if constexpr (NV > 1) _tile_zero(1);
    }
    long k = 0;
    for (; k + kTile <= units; k += kTile) {
      _tile_loadd(2, a.at + k, a.ld * 4);
      _tile_loadd(3, b.at + k * b.ld, b.ld * 4);
      _tile_dpbf16ps(0, 2, 3);
      if constexpr (NV > 1) {
        _tile_loadd(3, b.at + k * b.ld + kTile, b.ld * 4);
        _tile_dpbf16ps(1, 2, 3);
      }
    }
    if (k < units) {
      _tile_loadd(4, a.at + k, a.ld * 4);
      _tile_loadd(5, b.at + k * b.ld, b.ld * 4);
      _tile_dpbf16ps(0, 4, 5);
      if constexpr (NV > 1) {
        _tile_loadd(5, b.at + k * b.ld + kTile, b.ld * 4);
        _tile_dpbf16ps(1, 4, 5);
      }
    }
    _tile_stored(0, c, ldc * 4);
    if constexpr (NV > 1) _tile_stored(1, c + kTile, ldc * 4);
  }
};

template <>
void product<Bfloat16>(unsigned* room, const float* a, long lda, const unsigned* packed, long rows, long depth, long columns,
                       Start<float> start, float* c, long ldc) {
  constexpr long panel = kTileVectors * kTile;
  const Rows<unsigned> left = by_rows<Bfloat16>(room, a, lda, rows, depth);
  const Tiles tiles(rows, units_of<Bfloat16>(depth));
  const auto from = [&](long n) { return Start<float>{start.at ? start.at + n : nullptr, start.ld}; };
  long n = 0;
  for (; n + panel <= columns; n += panel, packed += tiles.units * panel)
    tiles.multiply<kTileVectors>(left, {packed, panel}, from(n), c + n, ldc);
  if (n < columns) tiles.multiply<1>(left, {packed, kTile}, from(n), c + n, ldc);
}

// A^T of a [depth, columns] in pairs along its rows. Interleaving 16 vectors with those 8 further on turns
// the bits of a number's place by one; four times over, rows and columns change places.
// ASSUME: `room` is that of a whole segment, though fewer rows come.
INLINE Rows<unsigned> turned(unsigned*& room, const float* a, long lda, long depth, long columns) {
  const V<unsigned> lower{0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23}, upper = lower + 8;
  const long units = units_of<Bfloat16>(depth), ld = odd_lines(units);
  const Rows<unsigned> result{room, ld};
  for (long n = 0; n < columns; n += kTile, room += kTile * ld)
    for (long k = 0; k < units; k += kTile) {
      V<unsigned> rows[kTile], next[kTile];
      for (long i = 0; i < kTile; i++) {
        const float* at = a + 2 * (k + i) * lda + n;
        rows[i] = k + i < units ? pairs(at, at + lda) : V<unsigned>{};
      }
      for (int turn = 0; turn < 4; turn++) {
        for (long i = 0; i < kTile / 2; i++) {
          next[2 * i] = (V<unsigned>)_mm512_permutex2var_epi32((__m512i)rows[i], (__m512i)lower, (__m512i)rows[i + 8]);
          next[2 * i + 1] = (V<unsigned>)_mm512_permutex2var_epi32((__m512i)rows[i], (__m512i)upper, (__m512i)rows[i + 8]);
        }
        for (long i = 0; i < kTile; i++) rows[i] = next[i];
      }
      for (long i = 0; i < kTile; i++) store<unsigned>(room + i * ld + k, rows[i]);
    }
  return result;
}

template <>
void outer_product<Bfloat16>(unsigned* room, const float* a, long lda, const float* b, long ldb, long depth, long wide,
                             long columns, float* c, long ldc) {
  const Rows<unsigned> left = turned(room, a, lda, depth, wide), right = by_columns<Bfloat16>(room, b, ldb, depth, columns);
  for (long m = 0; m < wide; m += kTile, c += kTile * ldc) {
    const Rows<unsigned> rows{left.at + m * left.ld, left.ld};
    const Tiles tiles(wide - m < kTile ? wide - m : kTile, units_of<Bfloat16>(depth));
    long n = 0;
    for (; n + 2 * kTile <= columns; n += 2 * kTile) tiles.multiply<2>(rows, {right.at + n, right.ld}, {c + n, ldc}, c + n, ldc);
    if (n < columns) tiles.multiply<1>(rows, {right.at + n, right.ld}, {c + n, ldc}, c + n, ldc);
  }
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
