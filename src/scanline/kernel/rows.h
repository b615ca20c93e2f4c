// A block's rows [state | numbers]: how states and inputs come in, and results go out.
#pragma once

#include "recurrent.h"
#include "vectors.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

// Calls visit(row, unit) for each vector of so many rows of states.
template <class F, class Visit>
INLINE void each_vector(const Shape& s, long rows, const Visit& visit) {
  for (long r = 0; r < rows; r++)
    for (long u = 0; u < s.padded_units(); u += kLanes<F>) visit(r, u);
}

// Units beyond the layer's own are kept at zero: with an infinite input even a weight of zero gives NaN.
template <class F>
INLINE void clear_tails(const Shape& s, long rows, F* at, long ld, long gates = 1) {
  const long up = s.padded_units();
  if (s.units == up) return;
  for (long r = 0; r < rows; r++)
    for (long gate = 0; gate < gates; gate++) clear(at + r * ld + gate * up + s.units, up - s.units);
}

// The members' states of the caller's array; rows past the members are zero.
template <class F>
void load_states(const Shape& s, const Block<F>& b, const F* from, F* to, long ld) {
  for (long r = 0; r < b.rows; r++) {
    F* row = to + r * ld;
    clear(row, s.padded_units());
    if (from && r < b.count) __builtin_memcpy(row, from + b.members[r] * s.units, s.units * sizeof(F));
  }
}

// One state for all members.
template <class F>
void spread_state(const Shape& s, const Block<F>& b, const F* state, F* to, long ld) {
  const long up = s.padded_units();
  for (long r = 0; r < b.rows; r++) {
    if (r < b.count) __builtin_memcpy(to + r * ld, state, up * sizeof(F));
    else clear(to + r * ld, up);
  }
}

// The numbers of step t, few bits among them; rows past the members are zero.
template <class F>
INLINE void load_inputs(const Shape& s, const Arrays<F>& io, const Block<F>& b, long t, F* rows) {
  const long up = s.padded_units(), lda = s.row_stride(), few = s.few_bits();
  for (long r = 0; r < b.count; r++) {
    F* row = rows + r * lda + up;
    if (s.numbers) {
      const F* from = io.x + (b.members[r] * s.steps + t) * s.numbers;
      for (long d = 0; d < s.numbers; d++) row[d] = from[d];
      prefetch(from + s.numbers, s.numbers);
    }
    const unsigned char* seen = io.seen + b.members[r] * io.seen_sequence;
    for (long d = 0; d < few; d++) {
      const int byte = seen[io.sources[t * few + d] * io.seen_source];
      row[s.numbers + d] = F((byte + 255) >> 8);  // not 0: without a jump, which pixels make hard to foresee
    }
  }
  for (long r = b.count; r < b.rows; r++) clear(rows + r * lda + up, s.inputs());
}

template <class F>
INLINE void store_states(const Shape& s, const Block<F>& b, const F* from, long ld, F* to) {
  for (long r = 0; r < b.count; r++) __builtin_memcpy(to + b.members[r] * s.units, from + r * ld, s.units * sizeof(F));
}

// The states after step t, into the sequence; a large one goes past the caches.
template <class F>
INLINE void store_step(const Shape& s, const Block<F>& b, const F* from, long ld, long t, F* sequence) {
  const long stride = s.steps * s.units;
  const bool whole = s.units % kLanes<F> == 0 && is_aligned(sequence), large = s.batch * stride * long(sizeof(F)) >= kLarge;
  for (long r = 0; r < b.count; r++) {
    F* to = sequence + b.members[r] * stride + t * s.units;
    if (!whole) __builtin_memcpy(to, from + r * ld, s.units * sizeof(F));
    else if (large) for (long u = 0; u < s.units; u += kLanes<F>) stream(to + u, load<F>(from + r * ld + u));
    else for (long u = 0; u < s.units; u += kLanes<F>) store<F>(to + u, load<F>(from + r * ld + u));
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
INLINE void read_out(const Shape& s, const Block<F>& b, const F* head, const F* states, long ld, long t, F* logits) {
  for (long r = 0; r < b.count; r++) {
    V<F> sum{};
    for (long u = 0; u < s.padded_units(); u += kLanes<F>) sum += load<F>(states + r * ld + u) * load<F>(head + u);
    logits[b.members[r] * s.steps + t] = sum_of<F>(sum) + head[s.padded_units()];
  }
}

// The way back: from the logits' gradients to dh, and to d_head.
template <class F>
INLINE void read_out_back(const Shape& s, const Block<F>& b, const F* head, const F* states, long ld,
                          const F* d_logits, long t, F* dh, F* d_head) {
  const long up = s.padded_units();
  F d[kRows];
  for (long r = 0; r < b.count; r++) d[r] = d_logits[b.members[r] * s.steps + t];
  for (long u = 0; u < up; u += kLanes<F>) {
    V<F> sum = load<F>(d_head + u);
    const V<F> weights = load<F>(head + u);
    for (long r = 0; r < b.count; r++) {
      const V<F> slope = all<F>(d[r]);
      store<F>(dh + r * up + u, load<F>(dh + r * up + u) + slope * weights);
      sum += slope * load<F>(states + r * ld + u);
    }
    store<F>(d_head + u, sum);
  }
  for (long r = 0; r < b.count; r++) d_head[up] += d[r];
}

// Until step `from` the members' results are those of another sequence, which is done by now.
template <class F>
void copy_beginning(const Shape& s, const Arrays<F>& io, const Block<F>& b) {
  for (long r = 0; r < b.count; r++) {
    const long own = b.members[r], other = b.reference, stride = s.steps * s.units;
    if (own == other) continue;
    if (io.sequence) __builtin_memcpy(io.sequence + own * stride, io.sequence + other * stride, b.from * s.units * sizeof(F));
    if (io.head) __builtin_memcpy(io.logits + own * s.steps, io.logits + other * s.steps, b.from * sizeof(F));
  }
}

// What the inputs until `from` and the first states add to the gradient is left with that sequence.
template <class F>
void clear_beginning(const Shape& s, const Arrays<F>& io, const Block<F>& b) {
  for (long r = 0; r < b.count; r++) {
    const long own = b.members[r];
    if (io.dx && own != b.reference) clear(io.dx + own * s.steps * s.numbers, b.from * s.numbers);
    clear(io.dh0 + own * s.units, s.units);
    if (io.dc0) clear(io.dc0 + own * s.units, s.units);
  }
}

// Takes n numbers of the scratch.
template <class F>
INLINE F* take(F*& scratch, long n) {
  F* p = scratch;
  scratch += padded(n);
  return p;
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
