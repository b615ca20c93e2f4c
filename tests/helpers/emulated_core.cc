// The core's form amxbf16 with emulated tiles, for ctypes: its products, and a layer there and back.
#include <algorithm>
#include <vector>

#include "emulated_tiles.h"

#define SCANLINE_FORM amxbf16
#include "recurrent.cc"

using namespace scanline;
using namespace scanline::amxbf16;

struct Room {
  explicit Room(long n) : at(static_cast<float*>(std::aligned_alloc(64, (n * 4 + 127) / 64 * 64))) { std::fill_n(at, n, 0.0f); }
  Room(const Room&) = delete;
  ~Room() { std::free(at); }
  float* at;
};

// C = start + A B: `start` null, or what C begins with, one row where `one_row`.
extern "C" void multiply(const float* a, long lda, const float* b, long rows, long depth, long columns, const float* start,
                         int one_row, float* c) {
  const Room packed(packed_size<Bfloat16>(depth, columns)), room(rows * lda);
  auto* units = reinterpret_cast<unsigned*>(packed.at);
  pack<Bfloat16>(b, columns, 1, depth, columns, units);
  product<Bfloat16>(reinterpret_cast<unsigned*>(room.at), a, lda, units, rows, depth, columns, {start, one_row ? 0 : columns}, c, columns);
}

// C += A^T B.
extern "C" void multiply_turned(const float* a, long lda, const float* b, long ldb, long depth, long wide, long columns, float* c) {
  const Room room(kSegment * kRows * (lda + odd_lines(ldb)));
  outer_product<Bfloat16>(reinterpret_cast<unsigned*>(room.at), a, lda, b, ldb, depth, wide, columns, c, columns);
}

// One block of at most kRows sequences: states, gradients; M and dM [width, columns].
extern "C" void layer(int cell, long batch, long steps, long numbers, long units, const float* x, const float* h0, const float* c0,
                      const float* M, float* sequence, float* h, float* c, const float* d_sequence, const float* d_h,
                      const float* d_c, float* dx, float* dh0, float* dc0, float* dM) {
  const Shape s{Cell(cell), batch, steps, numbers, units, 0, 0, 0, 0};
  const Form<float>& form = form16;
  std::vector<long> members(batch);
  for (long i = 0; i < batch; i++) members[i] = i;
  Arrays<float> io{};
  io.x = x, io.h0 = h0, io.c0 = c0, io.sequence = sequence, io.h = h, io.c = c;
  io.d_sequence = d_sequence, io.d_h = d_h, io.d_c = d_c, io.dx = dx, io.dh0 = dh0, io.dc0 = dc0;
  Block<float> b{};
  b.members = members.data(), b.count = batch, b.rows = batch <= 2 ? 2 : batch <= 8 ? 8 : kRows, b.to = steps;
  const Room gates(s.kept_gates(b.rows, steps)), states(s.kept_states(b.rows, steps));
  b.gates = gates.at, b.states = states.at;
  const Room there(form.forward_weights_size(s)), back(form.backward_weights_size(s));
  const Room scratch(form.forward_scratch_size(s)), scratch_back(form.backward_scratch_size(s));
  form.pack_forward(s, M, there.at);
  form.pack_backward(s, M, back.at);
  form.forward(s, io, there.at, b, scratch.at);
  form.backward(s, io, back.at, b, scratch_back.at, dM, nullptr);
}
