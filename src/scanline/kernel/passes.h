// A block's way through its steps and back.
//
// Backward goes segment by segment: the states of a segment are restored from the kept one at its start
// and the kept gates, and the weight gradients of its steps are taken in one product.
#pragma once

#include "cells.h"
#include "lookups.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

template <class E>
void pack_forward_weights(const Shape& s, const Sum<E>* M, Sum<E>* packed) {
  Unit<E>* end = pack_forward<E>(s, M, reinterpret_cast<Unit<E>*>(packed));
  const long ld = s.columns();
  __builtin_memcpy(end, M + s.bias_row() * ld, (s.width() - s.bias_row()) * ld * sizeof(Sum<E>));
}

template <class E>
void pack_backward_weights(const Shape& s, const Sum<E>* M, Sum<E>* packed) {
  pack_backward<E>(s, M, reinterpret_cast<Unit<E>*>(packed));
}

// Of the packed operands alone.
template <class E>
long forward_operands_size(const Shape& s) {
  const long up = s.padded_units();
  if (s.cell != Cell::gru_reset_after) return packed_size<E>(s.depth(), s.columns());
  return packed_size<E>(s.depth(), 2 * up) + packed_size<E>(s.inputs(), up) + packed_size<E>(up, up);
}

// Room for the bits of `steps` steps: what is seen, and the lists of ones.
template <class F>
struct BitsRoom {
  unsigned char* table;
  Ones ones;
};
template <class F>
long bits_room_size(const Shape& s, long steps) {
  if (!s.many_bits()) return 0;
  const long bytes = s.seen * kRows + steps * kRows * (s.bits * long(sizeof(Number)) + long(sizeof(long)));
  return bytes / long(sizeof(F)) + 4 * kPadding;
}
template <class F>
BitsRoom<F> bits_room(const Shape& s, long steps, F*& scratch) {
  if (!s.many_bits()) return {};
  const long per = sizeof(F);
  BitsRoom<F> room;
  room.ones.counts = reinterpret_cast<long*>(take(scratch, steps * kRows * long(sizeof(long)) / per));
  room.ones.numbers = reinterpret_cast<Number*>(take(scratch, steps * kRows * s.bits * long(sizeof(Number)) / per));
  room.table = reinterpret_cast<unsigned char*>(take(scratch, s.seen * kRows / per));
  return room;
}

template <class E>
void forward(const Shape& s, const Arrays<Sum<E>>& io, const Sum<E>* weights, const Block<Sum<E>>& b, Sum<E>* scratch) {
  using F = Sum<E>;
  const long rows = b.rows, up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  const bool lstm = s.cell == Cell::lstm;
  const Unit<E>* packed = reinterpret_cast<const Unit<E>*>(weights);
  const F* added = weights + forward_operands_size<E>(s);
  F* a = take(scratch, rows * lda);
  F* reset = take(scratch, rows * lda);
  F* c = take(scratch, rows * up);
  F* g = take(scratch, rows * ldg);
  F* head = take(scratch, s.head_size());
  F* bias = take(scratch, ld);
  Unit<E>* room = reinterpret_cast<Unit<E>*>(take(scratch, rows * lda));
  const BitsRoom<F> bits = bits_room(s, 1, scratch);
  Kept<E>* gates = static_cast<Kept<E>*>(b.gates);
  F* states = b.states;
  F* trail = b.trail;
  clear(a, rows * lda);  // what lies past the numbers is multiplied by zero, where their count is odd
  clear(reset, rows * lda);
  if (io.head) load_head(s, io.head, head);
  if (b.start) {
    spread_state(s, b, b.start, a, lda);
    if (lstm) spread_state(s, b, b.start + up, c, up);
    copy_beginning(s, io, b);
  } else {
    load_states(s, b, io.h0, a, lda);
    if (lstm) load_states(s, b, io.c0, c, up);
  }
  if (s.many_bits()) gather_seen(s, io, b, b.from, b.to, bits.table);
  const auto leave = [&] {  // where others branch off
    if (!trail) return;
    __builtin_memcpy(trail, a, up * sizeof(F));
    if (lstm) __builtin_memcpy(trail + up, c, up * sizeof(F));
    trail += s.states() * up;
  };
  leave();
  for (long t = b.from; t < b.to; t++) {
    if (states && (t - b.from) % kSegment == 0) {
      for (long r = 0; r < rows; r++) __builtin_memcpy(states + r * up, a + r * lda, up * sizeof(F));
      if (lstm) __builtin_memcpy(states + rows * up, c, rows * up * sizeof(F));
      states += rows * s.states() * up;
    }
    load_inputs(s, io, b, t, a);
    Start<F> start{added, 0};
    if (s.places) {
      bias_of_step(s, added, io.places + t * s.places, bias);
      start = {bias, 0};
    }
    if (s.many_bits()) {
      find_ones(s, io.sources + t * s.bits, bits.table, rows, bits.ones);
      add_ones(s, rows, start.at, added + ld, bits.ones, g);
      start = {g, ldg};
    }
    if (s.cell == Cell::gru) gru_step<E>(s, rows, packed, start, a, reset, g, gates, room);
    else if (lstm) lstm_step<E>(s, rows, packed, start, a, c, g, gates, room);
    else gru_reset_after_step<E>(s, rows, packed, start, a, g, gates, room);
    clear_tails(s, rows, a, lda);
    if (gates) gates += rows * ld;
    if (io.sequence) store_step(s, b, a, lda, t, io.sequence);
    if (io.head) read_out(s, b, head, a, lda, t, io.logits);
    leave();
  }
  if (io.h) store_states(s, b, a, lda, io.h);
  if (lstm && io.c) store_states(s, b, c, up, io.c);
  flush();
}

// The arrays of one segment, [kSegment, rows, .] each: a, reset as in the forward step; dg the gates'
// gradients; tanh_c of the cell's state after. a and c hold the states after the last step too.
template <class F>
struct Segment {
  F *a, *reset, *dg, *c, *tanh_c;
};

// The states before each of a segment's steps and after the last, from the kept state and gates.
template <class E>
void restore(const Shape& s, const Arrays<Sum<E>>& io, const Block<Sum<E>>& b, long from, long to, Segment<Sum<E>> seg) {
  using F = Sum<E>;
  const long rows = b.rows, up = s.padded_units(), depth = s.depth(), lda = s.row_stride(), ld = s.columns();
  const F* state = b.states + (from - b.from) / kSegment * rows * s.states() * up;
  for (long r = 0; r < rows; r++) __builtin_memcpy(seg.a + r * lda, state + r * up, up * sizeof(F));
  if (s.cell == Cell::lstm) __builtin_memcpy(seg.c, state + rows * up, rows * up * sizeof(F));
  for (long t = from; t < to; t++) {
    const Kept<E>* g = static_cast<const Kept<E>*>(b.gates) + (t - b.from) * rows * ld;
    F* a = seg.a + (t - from) * rows * lda;
    F* next = a + rows * lda;
    load_inputs(s, io, b, t, a);
    if (s.cell == Cell::lstm) {
      F* c = seg.c + (t - from) * rows * up;
      F* tanh_c = seg.tanh_c + (t - from) * rows * up;
      each_vector<F>(s, rows, [=](long r, long u) {
        const Kept<E>* at = g + r * ld + u;
        const V<F> cell = kept_gate<E>(at + up) * load<F>(c + r * up + u) + kept_gate<E>(at) * kept_tangent<E>(at + 2 * up);
        const V<F> bent = hyperbolic_tangent(cell);
        store<F>(c + (rows + r) * up + u, cell);
        store<F>(tanh_c + r * up + u, bent);
        store<F>(next + r * lda + u, kept_gate<E>(at + 3 * up) * bent);
      });
      clear_tails(s, rows, c + rows * up, up);
    } else {
      F* reset = seg.reset + (t - from) * rows * lda;
      each_vector<F>(s, rows, [=](long r, long u) {
        const Kept<E>* at = g + r * ld + u;
        const V<F> h = load<F>(a + r * lda + u), candidate = kept_tangent<E>(at + 2 * up);
        if (s.cell == Cell::gru) store<F>(reset + r * lda + u, kept_gate<E>(at + up) * h);
        store<F>(next + r * lda + u, candidate + kept_gate<E>(at) * (h - candidate));
      });
      if (s.cell == Cell::gru) {
        clear_tails(s, rows, reset, lda);
        for (long r = 0; r < rows; r++)
          for (long k = up; k < depth; k++) reset[r * lda + k] = a[r * lda + k];
      }
    }
    clear_tails(s, rows, next, lda);
  }
}

// Those of M's rows that are products, from `n` rows of the segment.
template <class E>
void add_product_gradients(const Shape& s, const Segment<Sum<E>>& seg, long n, Sum<E>* dM, Unit<E>* room) {
  const long up = s.padded_units(), depth = s.depth(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  if (s.cell == Cell::lstm) {
    outer_product<E>(room, seg.a, lda, seg.dg, ldg, n, depth, 4 * up, dM, ld);
    return;
  }
  outer_product<E>(room, seg.a, lda, seg.dg, ldg, n, depth, 2 * up, dM, ld);
  if (s.cell == Cell::gru) {
    outer_product<E>(room, seg.reset, lda, seg.dg + 2 * up, ldg, n, depth, up, dM + 2 * up, ld);
  } else {
    outer_product<E>(room, seg.a + up, lda, seg.dg + 2 * up, ldg, n, s.inputs(), up, dM + up * ld + 2 * up, ld);
    outer_product<E>(room, seg.a, lda, seg.dg + 3 * up, ldg, n, up, up, dM + 3 * up, ld);
  }
}

// dh += the gradient of the output of step t; that of the steps to come is asked for.
template <class F>
void add_output_gradient(const Shape& s, const Block<F>& b, const F* d_sequence, long t, F* dh) {
  constexpr long kAhead = 3;
  for (long r = 0; r < b.count; r++) {
    const F* d = d_sequence + (b.members[r] * s.steps + t) * s.units;
    F* to = dh + r * s.padded_units();
    if (t >= kAhead) prefetch(d - kAhead * s.units, s.units);
    long u = 0;
    for (; u + kLanes<F> <= s.units; u += kLanes<F>) store<F>(to + u, load<F>(to + u) + load<F>(d + u));
    for (; u < s.units; u++) to[u] += d[u];
  }
}

// The first row of dh += what has come back to the state before step t from those that branched off there.
template <class F>
INLINE void join(const Shape& s, const Block<F>& b, long t, F* dh, F* dc) {
  const long up = s.padded_units();
  const F* from = b.joined + (t - b.from) * s.states() * up;
  for (long u = 0; u < up; u += kLanes<F>) {
    store<F>(dh + u, load<F>(dh + u) + load<F>(from + u));
    if (s.cell == Cell::lstm) store<F>(dc + u, load<F>(dc + u) + load<F>(from + up + u));
  }
}

// The sum over a block's members.
template <class F>
INLINE void sum_rows(const Shape& s, const Block<F>& b, const F* rows, F* to) {
  const long up = s.padded_units();
  for (long u = 0; u < up; u += kLanes<F>) {
    V<F> sum = load<F>(rows + u);
    for (long r = 1; r < b.count; r++) sum += load<F>(rows + r * up + u);
    store<F>(to + u, sum);
  }
}

template <class E>
void backward(const Shape& s, const Arrays<Sum<E>>& io, const Sum<E>* weights, const Block<Sum<E>>& b, Sum<E>* scratch,
              Sum<E>* dM, Sum<E>* d_head) {
  using F = Sum<E>;
  const long rows = b.rows, up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  const long dp = padded(s.numbers);
  const bool lstm = s.cell == Cell::lstm;
  const Unit<E>* packed = reinterpret_cast<const Unit<E>*>(weights);
  Segment<F> seg;
  seg.a = take(scratch, (kSegment + 1) * rows * lda);
  seg.reset = take(scratch, kSegment * rows * lda);
  seg.dg = take(scratch, kSegment * rows * ldg);
  seg.c = take(scratch, (kSegment + 1) * rows * up);
  seg.tanh_c = take(scratch, kSegment * rows * up);
  F* dh = take(scratch, rows * up);
  F* dc = take(scratch, rows * up);
  F* work = take(scratch, rows * up);
  F* dx = take(scratch, rows * dp);
  F* head = take(scratch, s.head_size());
  Unit<E>* room = kRounded<E> ? reinterpret_cast<Unit<E>*>(take(scratch, kSegment * rows * (lda + ldg))) : nullptr;
  const BitsRoom<F> bits = bits_room(s, kSegment, scratch);
  if (io.head) load_head(s, io.head, head);
  load_states(s, b, io.d_h, dh, up);
  load_states(s, b, io.d_c, dc, up);
  if (s.many_bits()) gather_seen(s, io, b, b.from, b.to, bits.table);
  if (b.joined) join(s, b, b.to, dh, dc);
  for (long from = b.from + (b.to - b.from - 1) / kSegment * kSegment; from >= b.from && from < b.to; from -= kSegment) {
    const long to = from + kSegment < b.to ? from + kSegment : b.to;
    restore<E>(s, io, b, from, to, seg);
    for (long t = to - 1; t >= from; t--) {
      const long i = t - from;
      const Kept<E>* g = static_cast<const Kept<E>*>(b.gates) + (t - b.from) * rows * ld;
      const F* a = seg.a + i * rows * lda;
      if (io.d_sequence) add_output_gradient(s, b, io.d_sequence, t, dh);
      if (io.head) read_out_back(s, b, head, a + rows * lda, lda, io.d_logits, t, dh, d_head);
      F* dg = seg.dg + i * rows * ldg;
      if (t - b.from >= kSegment) prefetch(g - (2 * i + 1) * rows * ld, rows * ld);  // of the segment before
      if (s.cell == Cell::gru) gru_step_back<E>(s, rows, packed, g, a, dg, dh, work, room);
      else if (!lstm) gru_reset_after_step_back<E>(s, rows, packed, g, a, dg, dh, room);
      else lstm_step_back<E>(s, rows, packed, g, seg.c + i * rows * up, seg.tanh_c + i * rows * up, dg, dh, dc, room);
      add_bias_gradients(s, rows, dg, s.places ? io.places + t * s.places : nullptr, dM + s.bias_row() * ld);
      if (io.dx) {
        product<E>(room, dg, ldg, packed + packed_size<E>(s.cell == Cell::gru_reset_after ? 3 * up : ld, up), rows,
                   input_columns(s), dp, {nullptr, 0}, dx, dp);
        for (long r = 0; r < b.count; r++)
          __builtin_memcpy(io.dx + (b.members[r] * s.steps + t) * s.numbers, dx + r * dp, s.numbers * sizeof(F));
      }
      if (b.joined) join(s, b, t, dh, dc);
    }
    const long n = (to - from) * rows;
    add_product_gradients<E>(s, seg, n, dM, room);
    if (s.many_bits()) {
      for (long i = 0; i < to - from; i++)
        find_ones(s, io.sources + (from + i) * s.bits, bits.table, rows,
                  {bits.ones.numbers + i * rows * s.bits, bits.ones.counts + i * rows});
      add_ones_gradients(s, n, seg.dg, bits.ones, dM + s.first_bit_row() * ld);
    }
  }
  if (b.branch) {
    sum_rows(s, b, dh, b.branch);
    if (lstm) sum_rows(s, b, dc, b.branch + up);
    clear_beginning(s, io, b);
  } else {
    store_states(s, b, dh, up, io.dh0);
    if (lstm) store_states(s, b, dc, up, io.dc0);
  }
}

template <class E>
long forward_weights_size(const Shape& s) {
  return forward_operands_size<E>(s) + (s.width() - s.bias_row()) * s.columns();
}

template <class E>
long backward_weights_size(const Shape& s) {
  return packed_size<E>(s.columns(), s.padded_units()) + packed_size<E>(input_columns(s), padded(s.numbers));
}

template <class E>
long forward_scratch_size(const Shape& s) {
  return kRows * (3 * s.row_stride() + s.gate_stride() + s.padded_units()) + s.head_size() + s.columns() +
         bits_room_size<Sum<E>>(s, 1) + 8 * kPadding;
}

template <class E>
long backward_scratch_size(const Shape& s) {
  const long of_room = kRounded<E> ? s.row_stride() + s.gate_stride() : 0;
  const long of_a_step = 2 * s.row_stride() + s.gate_stride() + 2 * s.padded_units() + of_room;
  const long of_states = s.row_stride() + 4 * s.padded_units();
  return kRows * (kSegment * of_a_step + of_states + padded(s.numbers)) + s.head_size() +
         bits_room_size<Sum<E>>(s, kSegment) + 12 * kPadding;
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
