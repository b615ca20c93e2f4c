// One form of the recurrent core; compiled once an instruction set, with SCANLINE_FORM naming it.
// Only this file is compiled for the instruction set: no inline function of the standard library
// may come from here, or the linker could give it to code that runs everywhere.
#include "recurrent.h"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

namespace scanline {
namespace SCANLINE_FORM {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64, kTileRows = 8, kTileVectors = 2;
#elif defined(__AVX2__)
constexpr int kBytes = 32, kTileRows = 4, kTileVectors = 2;
#else
constexpr int kBytes = 16, kTileRows = 4, kTileVectors = 2;
#endif

template <class F> struct Simd;
template <> struct Simd<float> {
  typedef float V __attribute__((vector_size(kBytes)));
  typedef int I __attribute__((vector_size(kBytes)));
  typedef float Loose __attribute__((vector_size(kBytes), aligned(4), may_alias));
};
template <> struct Simd<double> {
  typedef double V __attribute__((vector_size(kBytes)));
  typedef double Loose __attribute__((vector_size(kBytes), aligned(8), may_alias));
};
template <class F> using V = typename Simd<F>::V;
template <class F> constexpr long kLanes = kBytes / long(sizeof(F));

template <class F> INLINE V<F> load(const F* p) {
  return *reinterpret_cast<const typename Simd<F>::Loose*>(p);
}
template <class F> INLINE void store(F* p, V<F> v) {
  *reinterpret_cast<typename Simd<F>::Loose*>(p) = v;
}
template <class F> INLINE V<F> all(F value) { return value - V<F>{}; }
template <class F> INLINE void clear(F* p, long n) { __builtin_memset(p, 0, n * sizeof(F)); }

// 1 / v. ASSUME: v lies between 1 and 1e38, or is NaN.
INLINE V<float> reciprocal(V<float> v) {
#if defined(__AVX512F__)
  V<float> guess = _mm512_maskz_rcp14_ps(0xffff, v);
  return guess * (2.0f - v * guess);
#else
  return 1.0f / v;
#endif
}

// exp(v) to 2 units in the last place: 2^n 2^f with f in [-1/2, 1/2], the polynomial fitted to 2^f
// for the smallest largest relative error with 2^0 = 1. NaN stays NaN.
INLINE V<float> exponential(V<float> v) {
  v = v < -87.0f ? all(-87.0f) : v;
  v = v > 87.0f ? all(87.0f) : v;
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const V<float> scaled = v * 1.44269504f;
  const V<float> rounded = scaled + magic;
  const V<float> f = scaled - (rounded - magic);
  V<float> p = 0.0013264727f * f + 0.0096715130f;
  p = p * f + 0.0555073358f;
  p = p * f + 0.2402224243f;
  p = p * f + 0.6931470037f;
  p = p * f + 1.0f;
  typedef typename Simd<float>::I I;
  return p * (V<float>)(((I)rounded << 23) + 0x3f800000);
}
INLINE V<double> exponential(V<double> v) {
  for (long i = 0; i < kLanes<double>; i++) v[i] = __builtin_exp(v[i]);
  return v;
}

INLINE V<float> sigmoid(V<float> v) { return reciprocal(1.0f + exponential(-v)); }
INLINE V<float> hyperbolic_tangent(V<float> v) {
  return 1.0f - 2.0f * reciprocal(1.0f + exponential(v + v));
}
INLINE V<double> sigmoid(V<double> v) { return 1.0 / (1.0 + exponential(-v)); }
INLINE V<double> hyperbolic_tangent(V<double> v) {
  for (long i = 0; i < kLanes<double>; i++) v[i] = __builtin_tanh(v[i]);
  return v;
}

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

// Units beyond the layer's own are kept at zero: with an infinite input even a weight of zero gives NaN.
template <class F>
INLINE void clear_tail(const Shape& s, F* row) {
  for (long u = s.units; u < s.padded_units(); u++) row[u] = 0;
}

template <class F>
void load_states(const Shape& s, const F* from, long first, long count, F* to, long ld) {
  for (long r = 0; r < s.rows(); r++) {
    F* row = to + r * ld;
    clear(row, s.padded_units());
    if (from && r < count) __builtin_memcpy(row, from + (first + r) * s.units, s.units * sizeof(F));
  }
}

// The columns [1 | input] of a step's rows; rows past the batch's end are zero.
template <class F>
INLINE void load_inputs(const Shape& s, const F* x, long first, long count, long t, F* rows) {
  const long up = s.padded_units(), lda = s.row_stride();
  for (long r = 0; r < count; r++) {
    F* row = rows + r * lda + up;
    row[0] = 1;
    const F* from = x + ((first + r) * s.steps + t) * s.inputs;
    for (long d = 0; d < s.inputs; d++) row[1 + d] = from[d];
  }
  for (long r = count; r < s.rows(); r++) clear(rows + r * lda + up, 1 + s.inputs);
}

template <class F>
INLINE void store_rows(const Shape& s, const F* from, long ld, long count, F* to, long stride) {
  if (s.units % kLanes<F> == 0)
    for (long r = 0; r < count; r++)
      for (long u = 0; u < s.units; u += kLanes<F>) store<F>(to + r * stride + u, load<F>(from + r * ld + u));
  else
    for (long r = 0; r < count; r++) __builtin_memcpy(to + r * stride, from + r * ld, s.units * sizeof(F));
}

// ---- forward ----------------------------------------------------------------------------------

template <class F>
long forward_weights_size(const Shape& s) { return s.width() * s.columns(); }

template <class F>
void pack_forward(const Shape& s, const F* M, F* out) {
  const long up = s.padded_units(), ld = s.columns(), width = s.width();
  if (s.cell == Cell::lstm) {
    pack(M, ld, 1, width, 4 * up, out);
  } else {
    out = pack(M, ld, 1, width, 2 * up, out);
    if (s.cell == Cell::gru) {
      pack(M + 2 * up, ld, 1, width, up, out);
    } else {
      out = pack(M + up * ld + 2 * up, ld, 1, 1 + s.inputs, up, out);
      pack(M + 3 * up, ld, 1, up + 1, up, out);
    }
  }
}

template <class F>
long forward_scratch_size(const Shape& s) {
  return s.rows() * (2 * s.row_stride() + s.columns() + s.padded_units()) + 4 * kPadding;
}

template <class F>
INLINE F* take(F*& scratch, long n) {
  F* p = scratch;
  scratch += (n + kPadding - 1) / kPadding * kPadding;
  return p;
}

// One step: rows [state | 1 | input] -> their gates (activated) and the new state in the same rows.
// `reset` (gru alone) holds [reset state | 1 | input]; `c` (lstm alone) the cell's state.
template <class F>
void gru_step(const Shape& s, const F* packed, F* a, F* reset, F* g) {
  const long rows = s.rows(), up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns();
  product<F, false>(a, lda, packed, rows, width, 2 * up, g, ld);
  packed += width * 2 * up;
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      F* at = g + r * ld + u;
      store<F>(at, sigmoid(load<F>(at)));
      const V<F> open = sigmoid(load<F>(at + up));
      store<F>(at + up, open);
      store<F>(reset + r * lda + u, open * load<F>(a + r * lda + u));
    }
    // [1 | input] after the store: the last vector may reach no further than the padded units.
    clear_tail(s, reset + r * lda);
    for (long k = up; k < width; k++) reset[r * lda + k] = a[r * lda + k];
  }
  product<F, false>(reset, lda, packed, rows, width, up, g + 2 * up, ld);
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      F* at = g + r * ld + u;
      const V<F> z = load<F>(at), candidate = hyperbolic_tangent(load<F>(at + 2 * up));
      store<F>(at + 2 * up, candidate);
      F* h = a + r * lda + u;
      store<F>(h, z * load<F>(h) + (1 - z) * candidate);
    }
    clear_tail(s, a + r * lda);
  }
}

template <class F>
void gru_reset_after_step(const Shape& s, const F* packed, F* a, F* g) {
  const long rows = s.rows(), up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns();
  product<F, false>(a, lda, packed, rows, width, 2 * up, g, ld);
  packed += width * 2 * up;
  product<F, false>(a + up, lda, packed, rows, 1 + s.inputs, up, g + 2 * up, ld);
  packed += (1 + s.inputs) * up;
  product<F, false>(a, lda, packed, rows, up + 1, up, g + 3 * up, ld);
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      F* at = g + r * ld + u;
      const V<F> z = sigmoid(load<F>(at)), open = sigmoid(load<F>(at + up));
      const V<F> candidate = hyperbolic_tangent(load<F>(at + 2 * up) + open * load<F>(at + 3 * up));
      store<F>(at, z);
      store<F>(at + up, open);
      store<F>(at + 2 * up, candidate);
      F* h = a + r * lda + u;
      store<F>(h, z * load<F>(h) + (1 - z) * candidate);
    }
    clear_tail(s, a + r * lda);
  }
}

template <class F>
void lstm_step(const Shape& s, const F* packed, F* a, F* c, F* g) {
  const long rows = s.rows(), up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns();
  product<F, false>(a, lda, packed, rows, width, 4 * up, g, ld);
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      F* at = g + r * ld + u;
      const V<F> i = sigmoid(load<F>(at)), f = sigmoid(load<F>(at + up));
      const V<F> candidate = hyperbolic_tangent(load<F>(at + 2 * up)), o = sigmoid(load<F>(at + 3 * up));
      store<F>(at, i);
      store<F>(at + up, f);
      store<F>(at + 2 * up, candidate);
      store<F>(at + 3 * up, o);
      const V<F> cell = f * load<F>(c + r * up + u) + i * candidate;
      store<F>(c + r * up + u, cell);
      store<F>(a + r * lda + u, o * hyperbolic_tangent(cell));
    }
    clear_tail(s, a + r * lda);
    clear_tail(s, c + r * up);
  }
}

template <class F>
void forward(const Shape& s, const Arrays<F>& io, const F* packed, long block, F* scratch) {
  const long rows = s.rows(), up = s.padded_units(), lda = s.row_stride(), first = block * rows;
  const long count = s.batch - first < rows ? s.batch - first : rows;
  F* a = take(scratch, rows * lda);
  F* reset = take(scratch, rows * lda);
  F* c = take(scratch, rows * up);
  F* gates = take(scratch, rows * s.columns());
  F* kept = io.states ? io.states + block * s.kept_states() : nullptr;
  if (io.gates) gates = io.gates + block * s.kept_gates();
  load_states(s, io.h0, first, count, a, lda);
  if (s.cell == Cell::lstm) load_states(s, io.c0, first, count, c, up);
  for (long t = 0; t < s.steps; t++) {
    if (kept && t % kSegment == 0) {
      for (long r = 0; r < rows; r++) __builtin_memcpy(kept + r * up, a + r * lda, up * sizeof(F));
      kept += rows * up;
      if (s.cell == Cell::lstm) {
        __builtin_memcpy(kept, c, rows * up * sizeof(F));
        kept += rows * up;
      }
    }
    load_inputs(s, io.x, first, count, t, a);
    if (s.cell == Cell::gru) gru_step(s, packed, a, reset, gates);
    else if (s.cell == Cell::lstm) lstm_step(s, packed, a, c, gates);
    else gru_reset_after_step(s, packed, a, gates);
    if (io.gates) gates += rows * s.columns();
    if (io.sequence)
      store_rows(s, a, lda, count, io.sequence + (first * s.steps + t) * s.units, s.steps * s.units);
  }
  store_rows(s, a, lda, count, io.h + first * s.units, s.units);
  if (s.cell == Cell::lstm) store_rows(s, c, up, count, io.c + first * s.units, s.units);
}

// ---- backward ---------------------------------------------------------------------------------

// The gates whose gradients reach the input: all but gru_reset_after's fourth.
INLINE long input_columns(const Shape& s) {
  return s.keras_gates() * s.padded_units();
}

template <class F>
long backward_weights_size(const Shape& s) {
  return s.columns() * s.padded_units() + input_columns(s) * padded(s.inputs);
}

template <class F>
void pack_backward(const Shape& s, const F* M, F* out) {
  const long up = s.padded_units(), ld = s.columns(), dp = padded(s.inputs);
  if (s.cell == Cell::lstm) {
    out = pack(M, 1, ld, 4 * up, up, out);
  } else {
    out = pack(M, 1, ld, 2 * up, up, out);
    out = pack(M + (s.cell == Cell::gru ? 2 : 3) * up, 1, ld, up, up, out);
    if (s.cell == Cell::gru_reset_after) out += up * up;
  }
  // The input's rows of M, turned; columns past the inputs are zero.
  const long panel = kTileVectors * kLanes<F>;
  for (long n = 0; n < dp; n += panel)
    for (long k = 0; k < input_columns(s); k++)
      for (long j = n; j < n + panel && j < dp; j++) *out++ = j < s.inputs ? M[(up + 1 + j) * ld + k] : 0;
}

template <class F>
long backward_scratch_size(const Shape& s) {
  const long rows = s.rows(), up = s.padded_units();
  return rows * (2 * kSegment * s.row_stride() + kSegment * s.gradient_stride() + (4 + 2 * kSegment) * up + padded(s.inputs)) +
         9 * kPadding;
}

// The arrays of one segment, [kSegment, rows, .] each: a, reset as in the forward step; dg the gates'
// gradients; c the cell's state before each step and after the last, tanh_c of the state after.
template <class F>
struct Segment {
  F *a, *reset, *dg, *c, *tanh_c;
};

// The states before each of a segment's steps, from the kept state and gates.
template <class F>
void restore(const Shape& s, const Arrays<F>& io, long block, long from, long to, Segment<F> seg) {
  const long rows = s.rows(), up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), first = block * rows;
  const long count = s.batch - first < rows ? s.batch - first : rows;
  const F* kept = io.states + block * s.kept_states() + from / kSegment * rows * s.states() * up;
  for (long r = 0; r < rows; r++) __builtin_memcpy(seg.a + r * lda, kept + r * up, up * sizeof(F));
  if (s.cell == Cell::lstm) __builtin_memcpy(seg.c, kept + rows * up, rows * up * sizeof(F));
  for (long t = from; t < to; t++) {
    const F* g = io.gates + block * s.kept_gates() + t * rows * ld;
    F* a = seg.a + (t - from) * rows * lda;
    F* next = t + 1 < to ? a + rows * lda : nullptr;
    load_inputs(s, io.x, first, count, t, a);
    for (long r = 0; r < rows; r++) {
      const F* at = g + r * ld;
      if (s.cell == Cell::lstm) {
        F* c = seg.c + ((t - from) * rows + r) * up;
        F* tanh_c = seg.tanh_c + ((t - from) * rows + r) * up;
        for (long u = 0; u < up; u += kLanes<F>) {
          const V<F> cell = load<F>(at + up + u) * load<F>(c + u) + load<F>(at + u) * load<F>(at + 2 * up + u);
          const V<F> bent = hyperbolic_tangent(cell);
          store<F>(c + rows * up + u, cell);
          store<F>(tanh_c + u, bent);
          if (next) store<F>(next + r * lda + u, load<F>(at + 3 * up + u) * bent);
        }
        clear_tail(s, c + rows * up);
      } else {
        F* reset = seg.reset + ((t - from) * rows + r) * lda;
        for (long u = 0; u < up; u += kLanes<F>) {
          const V<F> h = load<F>(a + r * lda + u), candidate = load<F>(at + 2 * up + u);
          if (s.cell == Cell::gru) store<F>(reset + u, load<F>(at + up + u) * h);
          const V<F> z = load<F>(at + u);
          if (next) store<F>(next + r * lda + u, z * h + (1 - z) * candidate);
        }
        if (s.cell == Cell::gru) {
          clear_tail(s, reset);
          for (long k = up; k < s.width(); k++) reset[k] = a[r * lda + k];
        }
      }
      if (next) clear_tail(s, next + r * lda);
    }
  }
}

template <class F>
void gru_step_back(const Shape& s, const F* packed, const F* g, const F* a, F* dg, F* dh, F* work) {
  const long rows = s.rows(), up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gradient_stride();
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      const F* at = g + r * ld + u;
      const V<F> z = load<F>(at), candidate = load<F>(at + 2 * up), d = load<F>(dh + r * up + u);
      const V<F> kept = d * z, taken = d - kept;
      store<F>(dg + r * ldg + u, taken * z * (load<F>(a + r * lda + u) - candidate));
      store<F>(dg + r * ldg + 2 * up + u, taken * (1 - candidate * candidate));
      store<F>(dh + r * up + u, kept);
    }
    clear_tail(s, dg + r * ldg);
    clear_tail(s, dg + r * ldg + 2 * up);
  }
  product<F, false>(dg + 2 * up, ldg, packed + 2 * up * up, rows, up, up, work, up);
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      const V<F> open = load<F>(g + r * ld + up + u);
      const V<F> through = load<F>(work + r * up + u) * open;
      store<F>(dg + r * ldg + up + u, through * (1 - open) * load<F>(a + r * lda + u));
      store<F>(dh + r * up + u, load<F>(dh + r * up + u) + through);
    }
    clear_tail(s, dg + r * ldg + up);
  }
  product<F, true>(dg, ldg, packed, rows, 2 * up, up, dh, up);
}

template <class F>
void gru_reset_after_step_back(const Shape& s, const F* packed, const F* g, const F* a, F* dg, F* dh) {
  const long rows = s.rows(), up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gradient_stride();
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      const F* at = g + r * ld + u;
      F* to = dg + r * ldg + u;
      const V<F> z = load<F>(at), open = load<F>(at + up), candidate = load<F>(at + 2 * up);
      const V<F> d = load<F>(dh + r * up + u), kept = d * z, taken = d - kept;
      const V<F> bent = taken * (1 - candidate * candidate);
      store<F>(to, taken * z * (load<F>(a + r * lda + u) - candidate));
      store<F>(to + up, bent * load<F>(at + 3 * up) * open * (1 - open));
      store<F>(to + 2 * up, bent);
      store<F>(to + 3 * up, bent * open);
      store<F>(dh + r * up + u, kept);
    }
    for (long gate = 0; gate < 4; gate++) clear_tail(s, dg + r * ldg + gate * up);
  }
  product<F, true>(dg, ldg, packed, rows, 2 * up, up, dh, up);
  product<F, true>(dg + 3 * up, ldg, packed + 2 * up * up, rows, up, up, dh, up);
}

template <class F>
void lstm_step_back(const Shape& s, const F* packed, const F* g, const F* c, const F* tanh_c, F* dg, F* dh, F* dc) {
  const long rows = s.rows(), up = s.padded_units(), ld = s.columns(), ldg = s.gradient_stride();
  for (long r = 0; r < rows; r++) {
    for (long u = 0; u < up; u += kLanes<F>) {
      const F* at = g + r * ld + u;
      F* to = dg + r * ldg + u;
      const V<F> i = load<F>(at), f = load<F>(at + up), candidate = load<F>(at + 2 * up), o = load<F>(at + 3 * up);
      const V<F> bent = load<F>(tanh_c + r * up + u), d = load<F>(dh + r * up + u);
      const V<F> d_cell = load<F>(dc + r * up + u) + d * o * (1 - bent * bent);
      store<F>(to, d_cell * candidate * i * (1 - i));
      store<F>(to + up, d_cell * load<F>(c + r * up + u) * f * (1 - f));
      store<F>(to + 2 * up, d_cell * i * (1 - candidate * candidate));
      store<F>(to + 3 * up, d * bent * o * (1 - o));
      store<F>(dc + r * up + u, d_cell * f);
    }
    for (long gate = 0; gate < 4; gate++) clear_tail(s, dg + r * ldg + gate * up);
    clear_tail(s, dc + r * up);
  }
  product<F, false>(dg, ldg, packed, rows, 4 * up, up, dh, up);
}

template <class F>
void add_weight_gradients(const Shape& s, const Segment<F>& seg, long depth, F* dM) {
  const long up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns(), ldg = s.gradient_stride();
  if (s.cell == Cell::lstm) {
    outer_product(seg.a, lda, seg.dg, ldg, depth, width, 4 * up, dM, ld);
    return;
  }
  outer_product(seg.a, lda, seg.dg, ldg, depth, width, 2 * up, dM, ld);
  if (s.cell == Cell::gru) {
    outer_product(seg.reset, lda, seg.dg + 2 * up, ldg, depth, width, up, dM + 2 * up, ld);
  } else {
    outer_product(seg.a + up, lda, seg.dg + 2 * up, ldg, depth, 1 + s.inputs, up, dM + up * ld + 2 * up, ld);
    outer_product(seg.a, lda, seg.dg + 3 * up, ldg, depth, up + 1, up, dM + 3 * up, ld);
  }
}

template <class F>
void backward(const Shape& s, const Arrays<F>& io, const F* packed, long block, F* scratch, F* dM) {
  const long rows = s.rows(), up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gradient_stride(), first = block * rows;
  const long count = s.batch - first < rows ? s.batch - first : rows, dp = padded(s.inputs);
  Segment<F> seg;
  seg.a = take(scratch, kSegment * rows * lda);
  seg.reset = take(scratch, kSegment * rows * lda);
  seg.dg = take(scratch, kSegment * rows * ldg);
  seg.c = take(scratch, (kSegment + 1) * rows * up);
  seg.tanh_c = take(scratch, kSegment * rows * up);
  F* dh = take(scratch, rows * up);
  F* dc = take(scratch, rows * up);
  F* work = take(scratch, rows * up);
  F* dx = take(scratch, rows * dp);
  load_states(s, io.d_h, first, count, dh, up);
  load_states(s, io.d_c, first, count, dc, up);
  for (long from = (s.segments() - 1) * kSegment; from >= 0; from -= kSegment) {
    const long to = from + kSegment < s.steps ? from + kSegment : s.steps;
    restore(s, io, block, from, to, seg);
    for (long t = to - 1; t >= from; t--) {
      if (io.d_sequence)
        for (long r = 0; r < count; r++) {
          const F* d = io.d_sequence + ((first + r) * s.steps + t) * s.units;
          for (long u = 0; u < s.units; u++) dh[r * up + u] += d[u];
        }
      const long i = t - from;
      const F* g = io.gates + block * s.kept_gates() + t * rows * ld;
      const F* a = seg.a + i * rows * lda;
      F* dg = seg.dg + i * rows * ldg;
      if (s.cell == Cell::gru) gru_step_back(s, packed, g, a, dg, dh, work);
      else if (s.cell == Cell::gru_reset_after) gru_reset_after_step_back(s, packed, g, a, dg, dh);
      else lstm_step_back(s, packed, g, seg.c + i * rows * up, seg.tanh_c + i * rows * up, dg, dh, dc);
      if (io.dx) {
        product<F, false>(dg, ldg, packed + ld * up, rows, input_columns(s), dp, dx, dp);
        for (long r = 0; r < count; r++)
          __builtin_memcpy(io.dx + ((first + r) * s.steps + t) * s.inputs, dx + r * dp, s.inputs * sizeof(F));
      }
    }
    if (count == rows) {
      add_weight_gradients(s, seg, (to - from) * rows, dM);
    } else {
      for (long i = 0; i < to - from; i++) {
        Segment<F> step = seg;
        step.a += i * rows * lda;
        step.reset += i * rows * lda;
        step.dg += i * rows * ldg;
        add_weight_gradients(s, step, count, dM);
      }
    }
  }
  store_rows(s, dh, up, count, io.dh0 + first * s.units, s.units);
  if (s.cell == Cell::lstm) store_rows(s, dc, up, count, io.dc0 + first * s.units, s.units);
}

template <class F>
constexpr Form<F> form(const char* name) {
  return {name, forward_weights_size<F>, backward_weights_size<F>, forward_scratch_size<F>,
          backward_scratch_size<F>, pack_forward<F>, pack_backward<F>, forward<F>, backward<F>};
}

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

}  // namespace

const Form<float> form32 = form<float>(TEXT(SCANLINE_FORM));
const Form<double> form64 = form<double>(TEXT(SCANLINE_FORM));

}  // namespace SCANLINE_FORM
}  // namespace scanline
