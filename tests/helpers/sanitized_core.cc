// Runs every form of the recurrent core that this processor knows over arrays of exactly the size
// that it may touch, to be compiled with sanitizers.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <vector>

#include "beginnings.h"
#include "forms.h"

using namespace scanline;

struct Free { void operator()(float* p) const { std::free(p); } };
using Array = std::unique_ptr<float[], Free>;

static Array room(long n) {
  void* at = nullptr;
  if (posix_memalign(&at, 64, n * sizeof(float))) std::exit(4);
  return Array(static_cast<float*>(at));
}

static Array drawn(long n) {
  Array values = room(n);
  for (long i = 0; i < n; i++) values[i] = 0.3f * std::sin(float(i));
  return values;
}

static Array zeros(long n) {
  Array values = room(n);
  std::fill_n(values.get(), n, 0.0f);
  return values;
}

static void run(const Form<float>& form, const Shape& s) {
  const bool lstm = s.cell == Cell::lstm;
  const long states = s.batch * s.units, sequence = s.steps * states, weights = s.width() * s.columns();
  auto x = drawn(s.batch * s.steps * s.numbers), h0 = zeros(states), c0 = zeros(states), M = drawn(weights);
  // The later a sequence, the longer it is blank: all begin alike, and blocks branch off one after the other.
  std::vector<unsigned char> seen(s.batch * s.seen);
  for (long b = 0; b < s.batch; b++) {
    const long blank = b * s.steps / s.batch;
    for (long t = 0; t < s.seen; t++) seen[b * s.seen + t] = t > blank && (b + t) % 3 == 0;
    for (long i = 0; i < blank * s.numbers; i++) x[b * s.steps * s.numbers + i] = 1.0f;
  }
  std::vector<int> sources(s.steps * s.bits), places(s.steps * s.places);
  for (long t = 0; t < s.steps; t++) {
    for (long d = 0; d < s.bits; d++) sources[t * s.bits + d] = int(std::max(0L, t - d));
    for (long p = 0; p < s.places; p++) places[t * s.places + p] = int((t + p) % s.place_rows);
  }
  const auto shared = shared_beginnings(Inputs<float>{s.batch, s.steps, s.numbers, s.units, s.bits, s.seen, x.get(), h0.get(), seen.data(), sources.data()});
  const Plan plan = plan_of(s, shared.data());
  if (s.batch > 2 * kRows && !plan.trunk) std::exit(5);
  auto y = room(sequence), h = room(states), c = room(states);
  auto d_y = drawn(sequence), d_h = drawn(states), d_c = drawn(states);
  auto dx = room(s.batch * s.steps * s.numbers), dh0 = room(states), dc0 = room(states);
  auto dM = zeros(weights);
  auto head = drawn(s.units + 1), logits = room(s.batch * s.steps), d_logits = drawn(s.batch * s.steps);
  auto d_head = zeros(s.head_size());
  auto forward = room(form.forward_weights_size(s)), backward = room(form.backward_weights_size(s));
  auto scratch = room(form.forward_scratch_size(s)), scratch_back = room(form.backward_scratch_size(s));
  form.pack_forward(s, M.get(), forward.get());
  form.pack_backward(s, M.get(), backward.get());
  Arrays<float> io{};
  io.x = x.get(), io.h0 = h0.get(), io.c0 = lstm ? c0.get() : nullptr, io.head = head.get();
  io.seen = seen.data(), io.seen_sequence = s.seen, io.seen_source = 1;
  io.sources = sources.data(), io.places = places.data();
  io.sequence = y.get(), io.logits = logits.get(), io.h = h.get(), io.c = c.get();
  io.d_sequence = d_y.get(), io.d_logits = d_logits.get(), io.d_h = d_h.get(), io.d_c = lstm ? d_c.get() : nullptr;
  io.dx = dx.get(), io.dh0 = dh0.get(), io.dc0 = lstm ? dc0.get() : nullptr;
  const long state = s.states() * s.padded_units();
  auto trail = room((plan.trunk + 1) * state), joined = zeros((plan.trunk + 1) * state);
  std::vector<Block<float>> blocks;
  std::vector<Array> kept;
  const auto add = [&](Block<float> b) {
    kept.push_back(room((s.kept_gates(b.rows, b.to - b.from) * form.kept_bytes + 3) / 4));
    b.gates = kept.back().get();
    kept.push_back(room(s.kept_states(b.rows, b.to - b.from)));
    b.states = kept.back().get();
    blocks.push_back(b);
  };
  if (plan.trunk) {
    Block<float> trunk{};
    trunk.members = &plan.reference, trunk.count = 1, trunk.rows = kTrunkRows, trunk.to = plan.trunk;
    trunk.trail = trail.get();
    add(trunk);
  }
  for (long i = 0; i < long(plan.from.size()); i++) {
    Block<float> b{};
    b.members = &plan.order[i * kRows], b.count = plan.count(i), b.rows = plan.rows(i), b.from = plan.from[i], b.to = s.steps;
    b.reference = plan.reference;
    b.start = b.from ? trail.get() + b.from * state : nullptr;
    add(b);
  }
  for (const auto& b : blocks) form.forward(s, io, forward.get(), b, scratch.get());
  for (long i = long(blocks.size()) - 1; i >= 0; i--) {
    Block<float>& b = blocks[i];
    Arrays<float> own = io;
    if (b.trail) b.joined = joined.get(), own.d_h = own.d_c = nullptr;
    auto branch = room(state);
    if (b.from) b.branch = branch.get();
    form.backward(s, own, backward.get(), b, scratch_back.get(), dM.get(), d_head.get());
    for (long u = 0; b.branch && u < state; u++) joined[b.from * state + u] += branch[u];
  }
  for (long i = 0; i < weights; i++)
    if (!std::isfinite(dM[i])) std::exit(3);
}

int main() {
  for (const char* name : {"amxbf16", "avx512bf16", "avx512", "avx2", "plain"})
    for (const Precision precision : {Precision::full, Precision::bfloat16}) {
      const Form<float>* form = find_form<float>(name, precision);
      for (const Cell cell : {Cell::gru, Cell::gru_reset_after, Cell::lstm})
        for (const long batch : {1L, 37L, 60L})
          for (const long units : {8L, 32L, 50L})
            for (const long inputs : {1L, 3L, 20L})
              if (form) run(*form, inputs == 3 || units == 8 ? Shape{cell, batch, 17, inputs, units, 0, 0, 0, 0}
                                                              : Shape{cell, batch, 17, 0, units, inputs, 17, 2, 5});
    }
  std::puts("clean");
}
