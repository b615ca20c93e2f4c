// One step of each cell, forward and backward: equations 1 to 9 of the report on a block's rows.
//
// A step forward takes rows a = [state | 1 | input] to the state after, in the same rows; g is room for
// its gates, which go to `kept` too where a backward pass follows. A step back takes dh, the gradient
// of the state after, to that of the state before, and leaves the gates' gradients in dg.
#pragma once

#include "products.h"
#include "rows.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

// ---- The weights, in the order in which the steps read them. ----------------------------------

template <class F>
void pack_forward(const Shape& s, const F* M, F* out) {
  const long up = s.padded_units(), ld = s.columns(), width = s.width();
  if (s.cell == Cell::lstm) {
    pack(M, ld, 1, width, 4 * up, out);
    return;
  }
  out = pack(M, ld, 1, width, 2 * up, out);
  if (s.cell == Cell::gru) {
    pack(M + 2 * up, ld, 1, width, up, out);
  } else {
    out = pack(M + up * ld + 2 * up, ld, 1, 1 + s.inputs, up, out);
    pack(M + 3 * up, ld, 1, up + 1, up, out);
  }
}

// The gates whose gradients reach the input: all but gru_reset_after's fourth.
INLINE long input_columns(const Shape& s) { return s.keras_gates() * s.padded_units(); }

template <class F>
void pack_backward(const Shape& s, const F* M, F* out) {
  const long up = s.padded_units(), ld = s.columns(), dp = padded(s.inputs);
  F* inputs = out + ld * up;
  if (s.cell == Cell::lstm) {
    pack(M, 1, ld, 4 * up, up, out);
  } else {
    out = pack(M, 1, ld, 2 * up, up, out);
    pack(M + (s.cell == Cell::gru ? 2 : 3) * up, 1, ld, up, up, out);
  }
  // The input's rows of M, turned; columns past the inputs are zero.
  const long panel = kTileVectors * kLanes<F>;
  for (long n = 0; n < dp; n += panel)
    for (long k = 0; k < input_columns(s); k++)
      for (long j = n; j < n + panel && j < dp; j++) *inputs++ = j < s.inputs ? M[(up + 1 + j) * ld + k] : 0;
}

// ---- Forward. ---------------------------------------------------------------------------------

// `reset`: room for [reset state | 1 | input].
template <class F>
void gru_step(const Shape& s, const F* packed, F* a, F* reset, F* g, F* kept) {
  const long rows = kRows, up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns();
  const long ldg = s.gate_stride();
  product<F, false>(a, lda, packed, rows, width, 2 * up, g, ldg);
  each_vector<F>(s, [=](long r, long u) {
    F* at = g + r * ldg + u;
    const V<F> z = sigmoid(load<F>(at)), open = sigmoid(load<F>(at + up));
    store<F>(at, z);
    store<F>(reset + r * lda + u, open * load<F>(a + r * lda + u));
    if (kept) stream(kept + r * ld + u, z), stream(kept + r * ld + up + u, open);
  });
  clear_tails(s, reset, lda);
  for (long r = 0; r < rows; r++)
    for (long k = up; k < width; k++) reset[r * lda + k] = a[r * lda + k];
  product<F, false>(reset, lda, packed + width * 2 * up, rows, width, up, g + 2 * up, ldg);
  each_vector<F>(s, [=](long r, long u) {
    const F* at = g + r * ldg + u;
    const V<F> z = load<F>(at), candidate = hyperbolic_tangent(load<F>(at + 2 * up));
    F* h = a + r * lda + u;
    store<F>(h, z * load<F>(h) + (1 - z) * candidate);  // z = 1 keeps the state exactly
    if (kept) stream(kept + r * ld + 2 * up + u, candidate);
  });
}

template <class F>
void gru_reset_after_step(const Shape& s, const F* packed, F* a, F* g, F* kept) {
  const long rows = kRows, up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns();
  const long ldg = s.gate_stride();
  product<F, false>(a, lda, packed, rows, width, 2 * up, g, ldg);
  packed += width * 2 * up;
  product<F, false>(a + up, lda, packed, rows, 1 + s.inputs, up, g + 2 * up, ldg);
  packed += (1 + s.inputs) * up;
  product<F, false>(a, lda, packed, rows, up + 1, up, g + 3 * up, ldg);
  each_vector<F>(s, [=](long r, long u) {
    const F* at = g + r * ldg + u;
    const V<F> z = sigmoid(load<F>(at)), open = sigmoid(load<F>(at + up)), from_state = load<F>(at + 3 * up);
    const V<F> candidate = hyperbolic_tangent(load<F>(at + 2 * up) + open * from_state);
    F* h = a + r * lda + u;
    store<F>(h, z * load<F>(h) + (1 - z) * candidate);  // z = 1 keeps the state exactly
    F* to = kept + r * ld + u;
    if (kept) stream(to, z), stream(to + up, open), stream(to + 2 * up, candidate), stream(to + 3 * up, from_state);
  });
}

// `c`: the cell's state [rows, padded units].
template <class F>
void lstm_step(const Shape& s, const F* packed, F* a, F* c, F* g, F* kept) {
  const long rows = kRows, up = s.padded_units(), width = s.width(), lda = s.row_stride(), ld = s.columns();
  const long ldg = s.gate_stride();
  product<F, false>(a, lda, packed, rows, width, 4 * up, g, ldg);
  each_vector<F>(s, [=](long r, long u) {
    const F* at = g + r * ldg + u;
    const V<F> i = sigmoid(load<F>(at)), f = sigmoid(load<F>(at + up));
    const V<F> candidate = hyperbolic_tangent(load<F>(at + 2 * up)), o = sigmoid(load<F>(at + 3 * up));
    const V<F> cell = f * load<F>(c + r * up + u) + i * candidate;
    store<F>(c + r * up + u, cell);
    store<F>(a + r * lda + u, o * hyperbolic_tangent(cell));
    F* to = kept + r * ld + u;
    if (kept) stream(to, i), stream(to + up, f), stream(to + 2 * up, candidate), stream(to + 3 * up, o);
  });
  clear_tails(s, c, up);
}

// ---- Backward: g are the kept gates, a the rows before the step. ------------------------------

// `work`: room for [rows, padded units].
template <class F>
void gru_step_back(const Shape& s, const F* packed, const F* g, const F* a, F* dg, F* dh, F* work) {
  const long rows = kRows, up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  each_vector<F>(s, [=](long r, long u) {
    const F* at = g + r * ld + u;
    const V<F> z = load<F>(at), candidate = load<F>(at + 2 * up), d = load<F>(dh + r * up + u);
    const V<F> kept = d * z, taken = d - kept;
    store<F>(dg + r * ldg + u, taken * z * (load<F>(a + r * lda + u) - candidate));
    store<F>(dg + r * ldg + 2 * up + u, taken * (1 - candidate * candidate));
    store<F>(dh + r * up + u, kept);
  });
  clear_tails(s, dg + 2 * up, ldg);
  product<F, false>(dg + 2 * up, ldg, packed + 2 * up * up, rows, up, up, work, up);
  each_vector<F>(s, [=](long r, long u) {
    const V<F> open = load<F>(g + r * ld + up + u);
    const V<F> through = load<F>(work + r * up + u) * open;
    store<F>(dg + r * ldg + up + u, through * (1 - open) * load<F>(a + r * lda + u));
    store<F>(dh + r * up + u, load<F>(dh + r * up + u) + through);
  });
  clear_tails(s, dg, ldg, 2);
  product<F, true>(dg, ldg, packed, rows, 2 * up, up, dh, up);
}

template <class F>
void gru_reset_after_step_back(const Shape& s, const F* packed, const F* g, const F* a, F* dg, F* dh) {
  const long rows = kRows, up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  each_vector<F>(s, [=](long r, long u) {
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
  });
  clear_tails(s, dg, ldg, 4);
  product<F, true>(dg, ldg, packed, rows, 2 * up, up, dh, up);
  product<F, true>(dg + 3 * up, ldg, packed + 2 * up * up, rows, up, up, dh, up);
}

// c and tanh_c: the cell's state before the step, and the tangent of that after.
template <class F>
void lstm_step_back(const Shape& s, const F* packed, const F* g, const F* c, const F* tanh_c, F* dg, F* dh, F* dc) {
  const long rows = kRows, up = s.padded_units(), ld = s.columns(), ldg = s.gate_stride();
  each_vector<F>(s, [=](long r, long u) {
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
  });
  clear_tails(s, dg, ldg, 4);
  clear_tails(s, dc, up);
  product<F, false>(dg, ldg, packed, rows, 4 * up, up, dh, up);
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
