// A block's way through all steps and back.
//
// Backward goes segment by segment: the states of a segment are restored from the kept one at its start
// and the kept gates, and the weight gradients of its steps are taken in one product.
#pragma once

#include "cells.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

template <class F>
void forward(const Shape& s, const Arrays<F>& io, const F* packed, long block, F* scratch) {
  const long rows = kRows, up = s.padded_units(), lda = s.row_stride(), first = block * rows;
  const bool lstm = s.cell == Cell::lstm;
  F* a = take(scratch, rows * lda);
  F* reset = take(scratch, rows * lda);
  F* c = take(scratch, rows * up);
  F* g = take(scratch, rows * s.gate_stride());
  F* head = take(scratch, s.head_size());
  F* gates = io.gates ? io.gates + block * s.kept_gates() : nullptr;
  F* states = io.states ? io.states + block * s.kept_states() : nullptr;
  if (io.head) load_head(s, io.head, head);
  load_states(s, io.h0, first, a, lda);
  if (lstm) load_states(s, io.c0, first, c, up);
  for (long t = 0; t < s.steps; t++) {
    if (states && t % kSegment == 0) {
      for (long r = 0; r < rows; r++) __builtin_memcpy(states + r * up, a + r * lda, up * sizeof(F));
      if (lstm) __builtin_memcpy(states + rows * up, c, rows * up * sizeof(F));
      states += rows * s.states() * up;
    }
    load_inputs(s, io.x, first, t, a);
    if (s.cell == Cell::gru) gru_step(s, packed, a, reset, g, gates);
    else if (lstm) lstm_step(s, packed, a, c, g, gates);
    else gru_reset_after_step(s, packed, a, g, gates);
    clear_tails(s, a, lda);
    if (gates) gates += rows * s.columns();
    if (io.sequence) store_step(s, a, lda, first, t, io.sequence);
    if (io.head) read_out(s, head, a, lda, first, t, io.logits);
  }
  store_states(s, a, lda, first, io.h);
  if (lstm) store_states(s, c, up, first, io.c);
  flush();
}

// The arrays of one segment, [kSegment, rows, .] each: a, reset as in the forward step; dg the gates'
// gradients; tanh_c of the cell's state after. a and c hold the states after the last step too.
template <class F>
struct Segment {
  F *a, *reset, *dg, *c, *tanh_c;
};

// The states before each of a segment's steps and after the last, from the kept state and gates.
template <class F>
void restore(const Shape& s, const Arrays<F>& io, long block, long from, long to, Segment<F> seg) {
  const long rows = kRows, up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns();
  const F* kept = io.states + block * s.kept_states() + from / kSegment * rows * s.states() * up;
  for (long r = 0; r < rows; r++) __builtin_memcpy(seg.a + r * lda, kept + r * up, up * sizeof(F));
  if (s.cell == Cell::lstm) __builtin_memcpy(seg.c, kept + rows * up, rows * up * sizeof(F));
  for (long t = from; t < to; t++) {
    const F* g = io.gates + block * s.kept_gates() + t * rows * ld;
    F* a = seg.a + (t - from) * rows * lda;
    F* next = a + rows * lda;
    load_inputs(s, io.x, block * rows, t, a);
    if (s.cell == Cell::lstm) {
      F* c = seg.c + (t - from) * rows * up;
      F* tanh_c = seg.tanh_c + (t - from) * rows * up;
      each_vector<F>(s, [=](long r, long u) {
        const F* at = g + r * ld + u;
        const V<F> cell = load<F>(at + up) * load<F>(c + r * up + u) + load<F>(at) * load<F>(at + 2 * up);
        const V<F> bent = hyperbolic_tangent(cell);
        store<F>(c + (rows + r) * up + u, cell);
        store<F>(tanh_c + r * up + u, bent);
        store<F>(next + r * lda + u, load<F>(at + 3 * up) * bent);
      });
      clear_tails(s, c + rows * up, up);
    } else {
      F* reset = seg.reset + (t - from) * rows * lda;
      each_vector<F>(s, [=](long r, long u) {
        const F* at = g + r * ld + u;
        const V<F> h = load<F>(a + r * lda + u), candidate = load<F>(at + 2 * up);
        if (s.cell == Cell::gru) store<F>(reset + r * lda + u, load<F>(at + up) * h);
        store<F>(next + r * lda + u, candidate + load<F>(at) * (h - candidate));
      });
      if (s.cell == Cell::gru) {
        clear_tails(s, reset, lda);
        for (long r = 0; r < rows; r++)
          for (long k = up; k < width; k++) reset[r * lda + k] = a[r * lda + k];
      }
    }
    clear_tails(s, next, lda);
  }
}

template <class F>
void add_weight_gradients(const Shape& s, const Segment<F>& seg, long depth, F* dM) {
  const long up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
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

// dh += the gradient of the output of step t; that of the steps to come is asked for.
template <class F>
void add_output_gradient(const Shape& s, const F* d_sequence, long first, long t, F* dh) {
  constexpr long kAhead = 3;
  for (long r = 0; r < count_of(s, first); r++) {
    const F* d = d_sequence + ((first + r) * s.steps + t) * s.units;
    F* to = dh + r * s.padded_units();
    if (t >= kAhead) prefetch(d - kAhead * s.units, s.units);
    long u = 0;
    for (; u + kLanes<F> <= s.units; u += kLanes<F>) store<F>(to + u, load<F>(to + u) + load<F>(d + u));
    for (; u < s.units; u++) to[u] += d[u];
  }
}

template <class F>
void backward(const Shape& s, const Arrays<F>& io, const F* packed, long block, F* scratch, F* dM, F* d_head) {
  const long rows = kRows, up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  const long first = block * rows, count = count_of(s, first), dp = padded(s.inputs);
  const F* gates = io.gates + block * s.kept_gates();
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
  if (io.head) load_head(s, io.head, head);
  load_states(s, io.d_h, first, dh, up);
  load_states(s, io.d_c, first, dc, up);
  for (long from = (s.segments() - 1) * kSegment; from >= 0; from -= kSegment) {
    const long to = from + kSegment < s.steps ? from + kSegment : s.steps;
    restore(s, io, block, from, to, seg);
    for (long t = to - 1; t >= from; t--) {
      const long i = t - from;
      const F* g = gates + t * rows * ld;
      const F* a = seg.a + i * rows * lda;
      if (io.d_sequence) add_output_gradient(s, io.d_sequence, first, t, dh);
      if (io.head) read_out_back(s, head, a + rows * lda, lda, io.d_logits, first, t, dh, d_head);
      F* dg = seg.dg + i * rows * ldg;
      if (t >= kSegment) prefetch(gates + (from - 1 - i) * rows * ld, rows * ld);
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
  store_states(s, dh, up, first, io.dh0);
  if (s.cell == Cell::lstm) store_states(s, dc, up, first, io.dc0);
}

template <class F>
long forward_weights_size(const Shape& s) { return s.width() * s.columns(); }

template <class F>
long backward_weights_size(const Shape& s) {
  return s.columns() * s.padded_units() + input_columns(s) * padded(s.inputs);
}

template <class F>
long forward_scratch_size(const Shape& s) {
  return kRows * (2 * s.row_stride() + s.gate_stride() + s.padded_units()) + s.head_size() + 5 * kPadding;
}

template <class F>
long backward_scratch_size(const Shape& s) {
  const long of_a_step = 2 * s.row_stride() + s.gate_stride() + 2 * s.padded_units();
  const long of_states = s.row_stride() + 4 * s.padded_units();
  return kRows * (kSegment * of_a_step + of_states + padded(s.inputs)) + s.head_size() + 10 * kPadding;
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
