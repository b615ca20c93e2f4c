// Matrix products of small matrices that lie in the caches, by tiles whose sums stay in registers.
#pragma once

#include "operands.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

constexpr int kTileRows = kBytes == 64 ? 8 : 4, kTileVectors = 2;

// Where a product's sums start: at zero (null), at one row for all (ld 0), or at a matrix.
template <class F> struct Start { const F* at; long ld; };

// C [MR, NV vectors] = start + A B over `depth` units; a(m, k) = a[m * am + k * ak], b's row k at b + k * ldb.
template <class E, int MR, int NV>
INLINE void tile(const Unit<E>* a, long am, long ak, const Unit<E>* b, long ldb, long depth, Start<Sum<E>> start,
                 Sum<E>* c, long ldc) {
  using F = Sum<E>;
  V<F> sum[MR][NV];
  if (start.at) {
#pragma GCC unroll 16
    for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
      for (int n = 0; n < NV; n++) sum[m][n] = load<F>(start.at + m * start.ld + n * kLanes<F>);
  } else {
#pragma GCC unroll 16
    for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
      for (int n = 0; n < NV; n++) sum[m][n] = V<F>{};
  }
  for (long k = 0; k < depth; k++) {
    V<Unit<E>> row[NV];
#pragma GCC unroll 16
    for (int n = 0; n < NV; n++) row[n] = load<Unit<E>>(b + k * ldb + n * kLanes<F>);
#pragma GCC unroll 16
    for (int m = 0; m < MR; m++) {
      const V<Unit<E>> factor = all<Unit<E>>(a[m * am + k * ak]);
#pragma GCC unroll 16
      for (int n = 0; n < NV; n++) sum[m][n] = multiply_add(sum[m][n], factor, row[n]);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
    for (int n = 0; n < NV; n++) store<F>(c + m * ldc + n * kLanes<F>, sum[m][n]);
}

// The size of a packed operand, in units.
template <class E> long packed_size(long depth, long columns) { return units_of<E>(depth) * columns; }

// Packed operands: panels of kTileVectors vectors' columns, each [depth, its columns], the last panel
// narrower where the columns do not divide. Columns from `given` on are zero.
template <class E>
Unit<E>* pack(const Sum<E>* M, long row_stride, long column_stride, long depth, long columns, Unit<E>* out,
              long given) {
  const long panel = kTileVectors * kLanes<Sum<E>>;
  for (long n = 0; n < columns; n += panel) {
    const long wide = columns - n < panel ? columns - n : panel;
    for (long k = 0; k < depth; k += kDepth<E>)
      for (long j = n; j < n + wide; j++)
        *out++ = j < given ? unit_at<E>(M + k * row_stride + j * column_stride, row_stride, depth - k) : 0;
  }
  return out;
}
template <class E>
Unit<E>* pack(const Sum<E>* M, long row_stride, long column_stride, long depth, long columns, Unit<E>* out) {
  return pack<E>(M, row_stride, column_stride, depth, columns, out, columns);
}

template <class E, int NV>
INLINE void panel_product(Rows<Unit<E>> a, const Unit<E>* panel, long rows, long depth, Start<Sum<E>> start, Sum<E>* c,
                          long ldc) {
  constexpr long wide = NV * kLanes<Sum<E>>;
  long m = 0;
  for (; m + kTileRows <= rows; m += kTileRows)
    tile<E, kTileRows, NV>(a.at + m * a.ld, a.ld, 1, panel, wide, depth, {start.at ? start.at + m * start.ld : nullptr, start.ld},
                           c + m * ldc, ldc);
  for (; m < rows; m += 2)
    tile<E, 2, NV>(a.at + m * a.ld, a.ld, 1, panel, wide, depth, {start.at ? start.at + m * start.ld : nullptr, start.ld},
                   c + m * ldc, ldc);
}

// C [rows, columns] = start + A [rows, depth] times a packed operand; `room` for A, rounded.
// ASSUME: rows is even, columns a multiple of the vector's lanes.
template <class E>
void product(Unit<E>* room, const Sum<E>* a, long lda, const Unit<E>* packed, long rows, long depth, long columns,
             Start<Sum<E>> start, Sum<E>* c, long ldc) {
  constexpr long lanes = kLanes<Sum<E>>, panel = kTileVectors * lanes;
  const Rows<Unit<E>> left = by_rows<E>(room, a, lda, rows, depth);
  const long units = units_of<E>(depth);
  const auto from = [&](long n) { return Start<Sum<E>>{start.at ? start.at + n : nullptr, start.ld}; };
  long n = 0;
  for (; n + panel <= columns; n += panel, packed += units * panel)
    panel_product<E, kTileVectors>(left, packed, rows, units, from(n), c + n, ldc);
  for (; n < columns; n += lanes, packed += units * lanes) panel_product<E, 1>(left, packed, rows, units, from(n), c + n, ldc);
}

// MR rows of C += A^T B from column n on; where NV vectors do not fit any more, half as many.
template <class E, int MR, int NV>
INLINE void outer_rows(Rows<Unit<E>> a, long m, Rows<Unit<E>> b, long depth, long columns, Sum<E>* c, long ldc, long n = 0) {
  constexpr long wide = NV * kLanes<Sum<E>>;
  for (; n + wide <= columns; n += wide)
    tile<E, MR, NV>(a.at + m, 1, a.ld, b.at + n, b.ld, depth, {c + m * ldc + n, ldc}, c + m * ldc + n, ldc);
  if constexpr (NV > 1) outer_rows<E, MR, NV / 2>(a, m, b, depth, columns, c, ldc, n);
}

// C [wide, columns] += A^T B, A [depth, wide], B [depth, columns]; `room` for both, rounded. The fewer rows
// a tile has, the more vectors wide it is: sums enough to hide how long a product takes.
// ASSUME: depth is even.
template <class E>
void outer_product(Unit<E>* room, const Sum<E>* a, long lda, const Sum<E>* b, long ldb, long depth, long wide,
                   long columns, Sum<E>* c, long ldc) {
  constexpr int W = kBytes == 64 ? 2 : 1;
  const Rows<Unit<E>> left = by_columns<E>(room, a, lda, depth, wide), right = by_columns<E>(room, b, ldb, depth, columns);
  depth = units_of<E>(depth);
  long m = 0;
  for (; m + 4 * W <= wide; m += 4 * W) outer_rows<E, 4 * W, 2>(left, m, right, depth, columns, c, ldc);
  for (; m + 2 <= wide; m += 2) outer_rows<E, 2, 2 * W>(left, m, right, depth, columns, c, ldc);
  for (; m < wide; m++) outer_rows<E, 1, 4 * W>(left, m, right, depth, columns, c, ldc);
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline

#if defined(__AMX_BF16__)
#include "tiles.h"
#endif
