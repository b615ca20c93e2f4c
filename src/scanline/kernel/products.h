// Matrix products of small matrices that lie in the caches, by tiles whose sums stay in registers.
#pragma once

#include "vectors.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

constexpr int kTileRows = kBytes == 64 ? 8 : 4, kTileVectors = 2;

// C [MR, NV vectors] (+)= A B over `depth`; a(m, k) = a[m * am + k * ak], b's row k at b + k * ldb.
template <class F, int MR, int NV, bool ADD>
INLINE void tile(const F* a, long am, long ak, const F* b, long ldb, long depth, F* c, long ldc) {
  V<F> sum[MR][NV];
#pragma GCC unroll 16
  for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
    for (int n = 0; n < NV; n++)
      sum[m][n] = ADD ? load<F>(c + m * ldc + n * kLanes<F>) : V<F>{};
  for (long k = 0; k < depth; k++) {
    V<F> row[NV];
#pragma GCC unroll 16
    for (int n = 0; n < NV; n++) row[n] = load<F>(b + k * ldb + n * kLanes<F>);
#pragma GCC unroll 16
    for (int m = 0; m < MR; m++) {
      const V<F> factor = all<F>(a[m * am + k * ak]);
#pragma GCC unroll 16
      for (int n = 0; n < NV; n++) sum[m][n] += factor * row[n];
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < MR; m++)
#pragma GCC unroll 16
    for (int n = 0; n < NV; n++) store<F>(c + m * ldc + n * kLanes<F>, sum[m][n]);
}

// Packed operands: panels of kTileVectors vectors' columns, each [depth, its columns], the last
// panel narrower where the columns do not divide.
template <class F>
F* pack(const F* M, long row_stride, long column_stride, long depth, long columns, F* out) {
  const long panel = kTileVectors * kLanes<F>;
  for (long n = 0; n < columns; n += panel) {
    const long wide = columns - n < panel ? columns - n : panel;
    for (long k = 0; k < depth; k++)
      for (long j = 0; j < wide; j++) *out++ = M[k * row_stride + (n + j) * column_stride];
  }
  return out;
}

// C [rows, columns] (+)= A [rows, depth] times a packed operand.
// ASSUME: rows is a multiple of kTileRows, columns one of the vector's lanes.
template <class F, bool ADD>
void product(const F* a, long lda, const F* packed, long rows, long depth, long columns, F* c, long ldc) {
  const long panel = kTileVectors * kLanes<F>;
  long n = 0;
  for (; n + panel <= columns; n += panel, packed += depth * panel)
    for (long m = 0; m < rows; m += kTileRows)
      tile<F, kTileRows, kTileVectors, ADD>(a + m * lda, lda, 1, packed, panel, depth, c + m * ldc + n, ldc);
  for (; n < columns; n += kLanes<F>, packed += depth * kLanes<F>)
    for (long m = 0; m < rows; m += kTileRows)
      tile<F, kTileRows, 1, ADD>(a + m * lda, lda, 1, packed, kLanes<F>, depth, c + m * ldc + n, ldc);
}

// MR rows of C += A^T B; the fewer rows the tile has, the more vectors wide it is.
template <class F, int MR, int NV>
INLINE void outer_rows(const F* a, long lda, const F* b, long ldb, long depth, long columns, F* c, long ldc) {
  long n = 0;
  for (; n + NV * kLanes<F> <= columns; n += NV * kLanes<F>)
    tile<F, MR, NV, true>(a, 1, lda, b + n, ldb, depth, c + n, ldc);
  for (; n < columns; n += kLanes<F>) tile<F, MR, 1, true>(a, 1, lda, b + n, ldb, depth, c + n, ldc);
}

// C [wide, columns] += A^T B, A [depth, wide], B [depth, columns].
template <class F>
void outer_product(const F* a, long lda, const F* b, long ldb, long depth, long wide, long columns, F* c,
                   long ldc) {
  constexpr int W = kBytes == 64 ? 2 : 1;
  long m = 0;
  for (; m + 4 * W <= wide; m += 4 * W)
    outer_rows<F, 4 * W, 2>(a + m, lda, b, ldb, depth, columns, c + m * ldc, ldc);
  for (; m + 2 <= wide; m += 2) outer_rows<F, 2, 2 * W>(a + m, lda, b, ldb, depth, columns, c + m * ldc, ldc);
  for (; m < wide; m++) outer_rows<F, 1, 4 * W>(a + m, lda, b, ldb, depth, columns, c + m * ldc, ldc);
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
