// Runs every form of the recurrent core that this processor knows over arrays of exactly the size
// that it may touch, to be compiled with sanitizers.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>

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

static void run(const Form<float>& form, const Shape& s) {
  const bool lstm = s.cell == Cell::lstm;
  const long states = s.batch * s.units, sequence = s.steps * states, weights = s.width() * s.columns();
  auto x = drawn(s.batch * s.steps * s.inputs), h0 = drawn(states), c0 = drawn(states), M = drawn(weights);
  auto y = room(sequence), h = room(states), c = room(states);
  auto gates = room(s.blocks() * s.kept_gates()), kept = room(s.blocks() * s.kept_states());
  auto d_y = drawn(sequence), d_h = drawn(states), d_c = drawn(states);
  auto dx = room(s.batch * s.steps * s.inputs), dh0 = room(states), dc0 = room(states);
  auto dM = room(weights);
  std::fill_n(dM.get(), weights, 0.0f);
  auto head = drawn(s.units + 1), logits = room(s.batch * s.steps), d_logits = drawn(s.batch * s.steps);
  auto d_head = room(s.head_size());
  std::fill_n(d_head.get(), s.head_size(), 0.0f);
  auto forward = room(form.forward_weights_size(s)), backward = room(form.backward_weights_size(s));
  auto scratch = room(form.forward_scratch_size(s)), scratch_back = room(form.backward_scratch_size(s));
  form.pack_forward(s, M.get(), forward.get());
  form.pack_backward(s, M.get(), backward.get());
  Arrays<float> io{x.get(), h0.get(), lstm ? c0.get() : nullptr, head.get(), y.get(), logits.get(), h.get(), c.get(), gates.get(),
                   kept.get(), d_y.get(), d_logits.get(), d_h.get(), lstm ? d_c.get() : nullptr, dx.get(), dh0.get(), dc0.get()};
  for (long block = 0; block < s.blocks(); block++) form.forward(s, io, forward.get(), block, scratch.get());
  for (long block = 0; block < s.blocks(); block++)
    form.backward(s, io, backward.get(), block, scratch_back.get(), dM.get(), d_head.get());
  for (long i = 0; i < weights; i++)
    if (!std::isfinite(dM[i])) std::exit(3);
}

int main() {
  for (const char* name : {"avx512", "avx2", "plain"}) {
    const Form<float>* form = find_form<float>(name);
    for (const Cell cell : {Cell::gru, Cell::gru_reset_after, Cell::lstm})
      for (const long batch : {1L, 37L, 100L})
        for (const long units : {8L, 19L, 32L, 50L})
          for (const long inputs : {1L, 3L, 20L})
            if (form) run(*form, Shape{cell, batch, 17, inputs, units});
  }
  std::puts("clean");
}
