// What a step adds to its gates without a product: the bias, the rows of weights that its place looks
// up, and the rows of those bits that are 1. Many bits are mostly 0: the pixels around a place.
#pragma once

#include "rows.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

template <long N> struct Constant { static constexpr long value = N; };

typedef unsigned short Number;  // of a bit

// Of each row of one step, which of its many bits are 1.
struct Ones {
  Number* numbers;  // [rows, bits], of which count[row] hold
  long* counts;
};

// The seen bytes of a block's members side by side, [seen, kRows]: filled for the steps to come.
template <class F>
void gather_seen(const Shape& s, const Arrays<F>& io, const Block<F>& b, long from, long to, unsigned char* table) {
  const auto copy = [&](long source) {
    for (long r = 0; r < b.count; r++)
      table[source * kRows + r] = io.seen[b.members[r] * io.seen_sequence + source * io.seen_source] != 0;
    for (long r = b.count; r < kRows; r++) table[source * kRows + r] = 0;
  };
  if ((to - from) * s.bits < s.seen) {
    for (long i = from * s.bits; i < to * s.bits; i++) copy(io.sources[i]);
  } else {
    for (long source = 0; source < s.seen; source++) copy(source);
  }
}

INLINE void find_ones(const Shape& s, const int* sources, const unsigned char* table, long rows, Ones ones) {
  for (long r = 0; r < rows; r++) ones.counts[r] = 0;
  for (long d = 0; d < s.bits; d++)
    for (long half = 0; half < 2; half++) {
      unsigned long long bytes;  // of eight rows, 0 or 1 each
      __builtin_memcpy(&bytes, table + sources[d] * kRows + 8 * half, 8);
      for (; bytes; bytes &= bytes - 1) {
        const long r = 8 * half + __builtin_ctzll(bytes) / 8;
        ones.numbers[r * s.bits + ones.counts[r]++] = Number(d);
      }
    }
}

// to [columns] = the bias and the rows that step t's place looks up; `rows` are M's from the bias on.
template <class F>
INLINE void bias_of_step(const Shape& s, const F* rows, const int* places, F* to) {
  const long ld = s.columns();
  const F* first = rows + (1 + s.many_bits()) * ld;
  for (long n = 0; n < ld; n += kLanes<F>) {
    V<F> sum = load<F>(rows + n);
    for (long p = 0; p < s.places; p++) sum += load<F>(first + places[p] * ld + n);
    store<F>(to + n, sum);
  }
}

// g [rows, columns] = the bias of the step and, row by row, the weights of its ones; `bits` are M's rows.
template <class F>
INLINE void add_ones(const Shape& s, long rows, const F* bias, const F* bits, Ones ones, F* g) {
  const long ld = s.columns(), ldg = s.gate_stride();
  for (long r = 0; r < rows; r++) {
    const Number* numbers = ones.numbers + r * s.bits;
    const long count = ones.counts[r];
    constexpr long kWide = 4;
    long n = 0;
    const auto columns = [&](auto wide) {
      constexpr long W = decltype(wide)::value;
      V<F> sum[W];
#pragma GCC unroll 4
      for (long w = 0; w < W; w++) sum[w] = load<F>(bias + n + w * kLanes<F>);
      for (long i = 0; i < count; i++) {
        const F* row = bits + numbers[i] * ld + n;
#pragma GCC unroll 4
        for (long w = 0; w < W; w++) sum[w] += load<F>(row + w * kLanes<F>);
      }
#pragma GCC unroll 4
      for (long w = 0; w < W; w++) store<F>(g + r * ldg + n + w * kLanes<F>, sum[w]);
      n += W * kLanes<F>;
    };
    while (n + kWide * kLanes<F> <= ld) columns(Constant<kWide>{});
    while (n < ld) columns(Constant<1>{});
  }
}

// Adds the gates' gradients dg [rows, columns] to the rows of the bits that are 1.
template <class F>
INLINE void add_ones_gradients(const Shape& s, long rows, const F* dg, Ones ones, F* bits) {
  const long ld = s.columns(), ldg = s.gate_stride(), used = s.keras_gates() * s.padded_units();
  constexpr long W = 4;
  for (long n = 0; n < used; n += W * kLanes<F>)
    for (long r = 0; r < rows; r++) {
      const Number* numbers = ones.numbers + r * s.bits;
      const long count = ones.counts[r];
      if (n + W * kLanes<F> <= used) {
        V<F> d[W];
#pragma GCC unroll 4
        for (long w = 0; w < W; w++) d[w] = load<F>(dg + r * ldg + n + w * kLanes<F>);
        for (long i = 0; i < count; i++) {
          F* row = bits + numbers[i] * ld + n;
#pragma GCC unroll 4
          for (long w = 0; w < W; w++) store<F>(row + w * kLanes<F>, load<F>(row + w * kLanes<F>) + d[w]);
        }
      } else {
        for (long i = 0; i < count; i++) {
          F* row = bits + numbers[i] * ld;
          for (long m = n; m < used; m += kLanes<F>) store<F>(row + m, load<F>(row + m) + load<F>(dg + r * ldg + m));
        }
      }
    }
}

// Adds the sums of dg [rows, columns] over its rows to the bias's row and those of the places.
template <class F>
INLINE void add_bias_gradients(const Shape& s, long rows, const F* dg, const int* places, F* to) {
  const long ld = s.columns(), ldg = s.gate_stride(), up = s.padded_units();
  F* first = to + (1 + s.many_bits()) * ld;
  const auto gates = [&](auto count) {  // at once: one sum alone would wait for itself
    constexpr long G = decltype(count)::value;
    for (long u = 0; u < up; u += kLanes<F>) {
      V<F> sum[G] = {};
      for (long r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (long g = 0; g < G; g++) sum[g] += load<F>(dg + r * ldg + g * up + u);
#pragma GCC unroll 4
      for (long g = 0; g < G; g++) {
        F* at = to + g * up + u;
        store<F>(at, load<F>(at) + sum[g]);
        for (long p = 0; p < s.places; p++) {
          F* row = first + places[p] * ld + g * up + u;
          store<F>(row, load<F>(row) + sum[g]);
        }
      }
    }
  };
  if (s.gates() == 3) gates(Constant<3>{});
  else gates(Constant<4>{});
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
