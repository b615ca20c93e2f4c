// A block's rows [state | 1 | input]: how states and inputs come in, and results go out.
#pragma once

#include "recurrent.h"
#include "vectors.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

// Calls visit(row, unit) for each vector of a block's states.
template <class F, class Visit>
INLINE void each_vector(const Shape& s, const Visit& visit) {
  for (long r = 0; r < kRows; r++)
    for (long u = 0; u < s.padded_units(); u += kLanes<F>) visit(r, u);
}

// Units beyond the layer's own are kept at zero: with an infinite input even a weight of zero gives NaN.
template <class F>
INLINE void clear_tails(const Shape& s, F* rows, long ld, long gates = 1) {
  const long up = s.padded_units();
  if (s.units == up) return;
  for (long r = 0; r < kRows; r++)
    for (long gate = 0; gate < gates; gate++) clear(rows + r * ld + gate * up + s.units, up - s.units);
}

// The sequences of block `first / kRows` that the batch has.
INLINE long count_of(const Shape& s, long first) {
  return s.batch - first < kRows ? s.batch - first : kRows;
}

template <class F>
void load_states(const Shape& s, const F* from, long first, F* to, long ld) {
  for (long r = 0; r < kRows; r++) {
    F* row = to + r * ld;
    clear(row, s.padded_units());
    if (from && r < count_of(s, first)) __builtin_memcpy(row, from + (first + r) * s.units, s.units * sizeof(F));
  }
}

// The columns [1 | input] of step t; rows past the batch's end are zero.
template <class F>
INLINE void load_inputs(const Shape& s, const F* x, long first, long t, F* rows) {
  const long count = count_of(s, first), up = s.padded_units(), lda = s.row_stride();
  for (long r = 0; r < count; r++) {
    F* row = rows + r * lda + up;
    row[0] = 1;
    const F* from = x + ((first + r) * s.steps + t) * s.inputs;
    for (long d = 0; d < s.inputs; d++) row[1 + d] = from[d];
    prefetch(from + s.inputs, s.inputs);
  }
  for (long r = count; r < kRows; r++) clear(rows + r * lda + up, 1 + s.inputs);
}

template <class F>
INLINE void store_states(const Shape& s, const F* from, long ld, long first, F* to) {
  for (long r = 0; r < count_of(s, first); r++)
    __builtin_memcpy(to + (first + r) * s.units, from + r * ld, s.units * sizeof(F));
}

// The states after step t, into the sequence; a large one goes past the caches.
template <class F>
INLINE void store_step(const Shape& s, const F* from, long ld, long first, long t, F* sequence) {
  const long count = count_of(s, first), stride = s.steps * s.units;
  F* to = sequence + first * stride + t * s.units;
  if (s.units % kLanes<F> || !is_aligned(sequence)) {
    for (long r = 0; r < count; r++) __builtin_memcpy(to + r * stride, from + r * ld, s.units * sizeof(F));
  } else if (s.batch * stride * long(sizeof(F)) >= kLarge) {
    for (long r = 0; r < count; r++)
      for (long u = 0; u < s.units; u += kLanes<F>) stream(to + r * stride + u, load<F>(from + r * ld + u));
  } else {
    for (long r = 0; r < count; r++)
      for (long u = 0; u < s.units; u += kLanes<F>) store<F>(to + r * stride + u, load<F>(from + r * ld + u));
  }
}

// A head [weights | bias] for vectors: room for head_size() numbers, the weights' tail zero.
template <class F>
void load_head(const Shape& s, const F* head, F* to) {
  clear(to, s.head_size());
  __builtin_memcpy(to, head, s.units * sizeof(F));
  to[s.padded_units()] = head[s.units];
}

// The logits that a head makes of the states after step t.
template <class F>
INLINE void read_out(const Shape& s, const F* head, const F* states, long ld, long first, long t, F* logits) {
  for (long r = 0; r < count_of(s, first); r++) {
    V<F> sum{};
    for (long u = 0; u < s.padded_units(); u += kLanes<F>) sum += load<F>(states + r * ld + u) * load<F>(head + u);
    logits[(first + r) * s.steps + t] = sum_of<F>(sum) + head[s.padded_units()];
  }
}

// The way back: from the logits' gradients to dh, and to d_head.
template <class F>
INLINE void read_out_back(const Shape& s, const F* head, const F* states, long ld, const F* d_logits, long first,
                          long t, F* dh, F* d_head) {
  const long up = s.padded_units(), count = count_of(s, first);
  const F* d = d_logits + first * s.steps + t;
  for (long u = 0; u < up; u += kLanes<F>) {
    V<F> sum = load<F>(d_head + u);
    const V<F> weights = load<F>(head + u);
    for (long r = 0; r < count; r++) {
      const V<F> slope = all<F>(d[r * s.steps]);
      store<F>(dh + r * up + u, load<F>(dh + r * up + u) + slope * weights);
      sum += slope * load<F>(states + r * ld + u);
    }
    store<F>(d_head + u, sum);
  }
  for (long r = 0; r < count; r++) d_head[up] += d[r * s.steps];
}

// Takes n numbers of the scratch.
template <class F>
INLINE F* take(F*& scratch, long n) {
  F* p = scratch;
  scratch += (n + kPadding - 1) / kPadding * kPadding;
  return p;
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
