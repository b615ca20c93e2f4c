// One step of each cell, forward and backward: equations 1 to 9 of the report on a block's rows.
//
// A step forward takes rows a = [state | numbers] to the state after, in the same rows; `start` is what
// its gates' sums begin with, g room for the gates, which go to `to_keep` too where a backward pass
// follows. A step back takes dh, the gradient of the state after, to that of the state before, and leaves
// the gates' gradients in dg. `room` is the products'.
#pragma once

#include "products.h"
#include "rows.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

// ---- The weights, in the order in which the steps read them. ----------------------------------

template <class E>
Unit<E>* pack_forward(const Shape& s, const Sum<E>* M, Unit<E>* out) {
  const long up = s.padded_units(), ld = s.columns(), depth = s.depth();
  if (s.cell == Cell::lstm) return pack<E>(M, ld, 1, depth, 4 * up, out);
  out = pack<E>(M, ld, 1, depth, 2 * up, out);
  if (s.cell == Cell::gru) return pack<E>(M + 2 * up, ld, 1, depth, up, out);
  out = pack<E>(M + up * ld + 2 * up, ld, 1, s.inputs(), up, out);
  return pack<E>(M + 3 * up, ld, 1, up, up, out);
}

// The gates whose gradients reach the input: all but gru_reset_after's fourth.
INLINE long input_columns(const Shape& s) { return s.keras_gates() * s.padded_units(); }

template <class E>
Unit<E>* pack_backward(const Shape& s, const Sum<E>* M, Unit<E>* out) {
  const long up = s.padded_units(), ld = s.columns();
  if (s.cell == Cell::lstm) {
    out = pack<E>(M, 1, ld, 4 * up, up, out);
  } else {
    out = pack<E>(M, 1, ld, 2 * up, up, out);
    out = pack<E>(M + (s.cell == Cell::gru ? 2 : 3) * up, 1, ld, up, up, out);
  }
  // The numbers' rows of M, turned; columns past them are zero.
  return pack<E>(M + up * ld, 1, ld, input_columns(s), padded(s.numbers), out, s.numbers);
}

// ---- Forward. ---------------------------------------------------------------------------------

template <class F>
INLINE Start<F> columns_from(Start<F> start, long n) { return {start.at + n, start.ld}; }

// `reset`: room for [reset state | numbers].
template <class E>
void gru_step(const Shape& s, long rows, const Unit<E>* packed, Start<Sum<E>> start, Sum<E>* a, Sum<E>* reset,
              Sum<E>* g, Kept<E>* to_keep, Unit<E>* room) {
  using F = Sum<E>;
  const long up = s.padded_units(), depth = s.depth(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  product<E>(room, a, lda, packed, rows, depth, 2 * up, start, g, ldg);
  each_vector<F>(s, rows, [=](long r, long u) {
    F* at = g + r * ldg + u;
    const V<F> z = sigmoid(load<F>(at)), open = sigmoid(load<F>(at + up));
    store<F>(at, z);
    store<F>(reset + r * lda + u, open * load<F>(a + r * lda + u));
    if (to_keep) keep_gate(to_keep + r * ld + u, z), keep_gate(to_keep + r * ld + up + u, open);
  });
  clear_tails(s, rows, reset, lda);
  for (long r = 0; r < rows; r++)
    for (long k = up; k < depth; k++) reset[r * lda + k] = a[r * lda + k];
  packed += packed_size<E>(depth, 2 * up);
  product<E>(room, reset, lda, packed, rows, depth, up, columns_from(start, 2 * up), g + 2 * up, ldg);
  each_vector<F>(s, rows, [=](long r, long u) {
    const F* at = g + r * ldg + u;
    const V<F> z = load<F>(at), candidate = hyperbolic_tangent(load<F>(at + 2 * up));
    F* h = a + r * lda + u;
    store<F>(h, z * load<F>(h) + (1 - z) * candidate);  // z = 1 keeps the state exactly
    if (to_keep) keep_tangent(to_keep + r * ld + 2 * up + u, candidate);
  });
}

template <class E>
void gru_reset_after_step(const Shape& s, long rows, const Unit<E>* packed, Start<Sum<E>> start, Sum<E>* a, Sum<E>* g,
                          Kept<E>* to_keep, Unit<E>* room) {
  using F = Sum<E>;
  const long up = s.padded_units(), depth = s.depth(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  product<E>(room, a, lda, packed, rows, depth, 2 * up, start, g, ldg);
  packed += packed_size<E>(depth, 2 * up);
  product<E>(room, a + up, lda, packed, rows, s.inputs(), up, columns_from(start, 2 * up), g + 2 * up, ldg);
  packed += packed_size<E>(s.inputs(), up);
  product<E>(room, a, lda, packed, rows, up, up, columns_from(start, 3 * up), g + 3 * up, ldg);
  each_vector<F>(s, rows, [=](long r, long u) {
    const F* at = g + r * ldg + u;
    const V<F> z = sigmoid(load<F>(at)), open = sigmoid(load<F>(at + up)), from_state = load<F>(at + 3 * up);
    const V<F> candidate = hyperbolic_tangent(load<F>(at + 2 * up) + open * from_state);
    F* h = a + r * lda + u;
    store<F>(h, z * load<F>(h) + (1 - z) * candidate);  // z = 1 keeps the state exactly
    Kept<E>* to = to_keep + r * ld + u;
    if (!to_keep) return;
    keep_gate(to, z), keep_gate(to + up, open), keep_tangent(to + 2 * up, candidate), keep_other(to + 3 * up, from_state);
  });
}

// `c`: the cell's state [rows, padded units].
template <class E>
void lstm_step(const Shape& s, long rows, const Unit<E>* packed, Start<Sum<E>> start, Sum<E>* a, Sum<E>* c, Sum<E>* g,
               Kept<E>* to_keep, Unit<E>* room) {
  using F = Sum<E>;
  const long up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  product<E>(room, a, lda, packed, rows, s.depth(), 4 * up, start, g, ldg);
  each_vector<F>(s, rows, [=](long r, long u) {
    const F* at = g + r * ldg + u;
    const V<F> i = sigmoid(load<F>(at)), f = sigmoid(load<F>(at + up));
    const V<F> candidate = hyperbolic_tangent(load<F>(at + 2 * up)), o = sigmoid(load<F>(at + 3 * up));
    const V<F> cell = f * load<F>(c + r * up + u) + i * candidate;
    store<F>(c + r * up + u, cell);
    store<F>(a + r * lda + u, o * hyperbolic_tangent(cell));
    Kept<E>* to = to_keep + r * ld + u;
    if (!to_keep) return;
    keep_gate(to, i), keep_gate(to + up, f), keep_tangent(to + 2 * up, candidate), keep_gate(to + 3 * up, o);
  });
  clear_tails(s, rows, c, up);
}

// ---- Backward: g are the kept gates, a the rows before the step. ------------------------------

// `work`: room for [rows, padded units].
template <class E>
void gru_step_back(const Shape& s, long rows, const Unit<E>* packed, const Kept<E>* g, const Sum<E>* a, Sum<E>* dg,
                   Sum<E>* dh, Sum<E>* work, Unit<E>* room) {
  using F = Sum<E>;
  const long up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  each_vector<F>(s, rows, [=](long r, long u) {
    const Kept<E>* at = g + r * ld + u;
    const V<F> z = kept_gate<E>(at), candidate = kept_tangent<E>(at + 2 * up), d = load<F>(dh + r * up + u);
    const V<F> stays = d * z, taken = d - stays;
    store<F>(dg + r * ldg + u, taken * z * (load<F>(a + r * lda + u) - candidate));
    store<F>(dg + r * ldg + 2 * up + u, taken * (1 - candidate * candidate));
    store<F>(dh + r * up + u, stays);
  });
  clear_tails(s, rows, dg + 2 * up, ldg);
  product<E>(room, dg + 2 * up, ldg, packed + packed_size<E>(2 * up, up), rows, up, up, {nullptr, 0}, work, up);
  each_vector<F>(s, rows, [=](long r, long u) {
    const V<F> open = kept_gate<E>(g + r * ld + up + u);
    const V<F> through = load<F>(work + r * up + u) * open;
    store<F>(dg + r * ldg + up + u, through * (1 - open) * load<F>(a + r * lda + u));
    store<F>(dh + r * up + u, load<F>(dh + r * up + u) + through);
  });
  clear_tails(s, rows, dg, ldg, 2);
  product<E>(room, dg, ldg, packed, rows, 2 * up, up, {dh, up}, dh, up);
}

template <class E>
void gru_reset_after_step_back(const Shape& s, long rows, const Unit<E>* packed, const Kept<E>* g, const Sum<E>* a,
                               Sum<E>* dg, Sum<E>* dh, Unit<E>* room) {
  using F = Sum<E>;
  const long up = s.padded_units(), lda = s.row_stride(), ld = s.columns(), ldg = s.gate_stride();
  each_vector<F>(s, rows, [=](long r, long u) {
    const Kept<E>* at = g + r * ld + u;
    F* to = dg + r * ldg + u;
    const V<F> z = kept_gate<E>(at), open = kept_gate<E>(at + up), candidate = kept_tangent<E>(at + 2 * up);
    const V<F> d = load<F>(dh + r * up + u), stays = d * z, taken = d - stays;
    const V<F> bent = taken * (1 - candidate * candidate);
    store<F>(to, taken * z * (load<F>(a + r * lda + u) - candidate));
    store<F>(to + up, bent * kept_other<E>(at + 3 * up) * open * (1 - open));
    store<F>(to + 2 * up, bent);
    store<F>(to + 3 * up, bent * open);
    store<F>(dh + r * up + u, stays);
  });
  clear_tails(s, rows, dg, ldg, 4);
  product<E>(room, dg, ldg, packed, rows, 2 * up, up, {dh, up}, dh, up);
  product<E>(room, dg + 3 * up, ldg, packed + packed_size<E>(2 * up, up), rows, up, up, {dh, up}, dh, up);
}

// c and tanh_c: the cell's state before the step, and the tangent of that after.
template <class E>
void lstm_step_back(const Shape& s, long rows, const Unit<E>* packed, const Kept<E>* g, const Sum<E>* c,
                    const Sum<E>* tanh_c, Sum<E>* dg, Sum<E>* dh, Sum<E>* dc, Unit<E>* room) {
  using F = Sum<E>;
  const long up = s.padded_units(), ld = s.columns(), ldg = s.gate_stride();
  each_vector<F>(s, rows, [=](long r, long u) {
    const Kept<E>* at = g + r * ld + u;
    F* to = dg + r * ldg + u;
    const V<F> i = kept_gate<E>(at), f = kept_gate<E>(at + up);
    const V<F> candidate = kept_tangent<E>(at + 2 * up), o = kept_gate<E>(at + 3 * up);
    const V<F> bent = load<F>(tanh_c + r * up + u), d = load<F>(dh + r * up + u);
    const V<F> d_cell = load<F>(dc + r * up + u) + d * o * (1 - bent * bent);
    store<F>(to, d_cell * candidate * i * (1 - i));
    store<F>(to + up, d_cell * load<F>(c + r * up + u) * f * (1 - f));
    store<F>(to + 2 * up, d_cell * i * (1 - candidate * candidate));
    store<F>(to + 3 * up, d * bent * o * (1 - o));
    store<F>(dc + r * up + u, d_cell * f);
  });
  clear_tails(s, rows, dg, ldg, 4);
  clear_tails(s, rows, dc, up);
  product<E>(room, dg, ldg, packed, rows, 4 * up, up, {nullptr, 0}, dh, up);
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
