// Sequences of a batch that begin alike: the rows above a digit are blank, and until the first ink every
// image has the same state.
//
// One path, the trunk, is followed from the start; a sequence leaves it where its inputs first differ.
// The trunk is computed once, by one of those that stay on it longest; the others are sorted by where they
// leave, so that the members of a block start late together. Backward, the gradients of the states at which
// blocks branch off are summed into the trunk's.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "recurrent.h"

namespace scanline {

// What a batch's sequences read, as in Arrays, and all their first states side by side.
template <class F>
struct Inputs {
  long batch, steps, numbers, state_size, bits, seen_size;
  const F *x, *states;
  const unsigned char* seen;  // [batch, seen_size]
  const int* sources;
};

// How many steps of the trunk each sequence shares, 0 for those that never were on it.
//
// The sequences are sorted; where a run of them parts, the largest group goes on. ASSUME: what is compared
// are bytes, so that -0 and 0 count as different, which costs a little sharing and no correctness.
template <class F>
std::vector<int> shared_beginnings(const Inputs<F>& in) {
  std::vector<int> shared(size_t(in.batch), 0);
  if (in.batch < 2 || in.steps < kSegment) return shared;
  std::vector<long> reach(size_t(in.steps), -1);  // the last place that has been read by the end of a step
  long first = in.seen_size;
  for (long t = 0, last = -1; t < in.steps; reach[t++] = last)
    for (long d = 0; d < in.bits; d++) {
      first = std::min<long>(first, in.sources[t * in.bits + d]);
      last = std::max<long>(last, in.sources[t * in.bits + d]);
    }
  const long seen_bytes = in.bits ? reach[in.steps - 1] + 1 - first : 0;
  const auto seen = [&](long b) { return in.seen + b * in.seen_size + first; };
  const auto x = [&](long b) { return in.x + b * in.steps * in.numbers; };
  const auto state = [&](long b) { return in.states + b * in.state_size; };
  const auto order_of = [&](long a, long b) {
    int order = memcmp(state(a), state(b), in.state_size * sizeof(F));
    if (!order && seen_bytes) order = memcmp(seen(a), seen(b), seen_bytes);
    if (!order && in.numbers) order = memcmp(x(a), x(b), in.steps * in.numbers * sizeof(F));
    return order;
  };
  const auto steps_alike = [&](long a, long b) -> long {
    if (memcmp(state(a), state(b), in.state_size * sizeof(F))) return 0;
    long alike = in.steps;
    if (seen_bytes) {
      const long place = first + (std::mismatch(seen(a), seen(a) + seen_bytes, seen(b)).first - seen(a));
      alike = std::lower_bound(reach.begin(), reach.end(), place) - reach.begin();
    }
    if (in.numbers) {
      const auto* from = reinterpret_cast<const unsigned char*>(x(a));
      const auto* other = reinterpret_cast<const unsigned char*>(x(b));
      const long bytes = alike * in.numbers * long(sizeof(F));
      alike = (std::mismatch(from, from + bytes, other).first - from) / (in.numbers * long(sizeof(F)));
    }
    return alike;
  };
  std::vector<long> sorted(size_t(in.batch));
  std::iota(sorted.begin(), sorted.end(), 0);
  std::stable_sort(sorted.begin(), sorted.end(), [&](long a, long b) { return order_of(a, b) < 0; });
  std::vector<long> alike(size_t(in.batch), 0);  // of a sorted sequence and the one before it
  for (long i = 1; i < in.batch; i++) alike[i] = steps_alike(sorted[i - 1], sorted[i]);
  for (long begin = 0, end = in.batch;;) {
    const long until = end - begin < 2 ? in.steps : *std::min_element(&alike[begin + 1], &alike[0] + end);
    long best_begin = begin, best_end = begin;
    for (long i = begin, run = begin; i < end; i++) {
      shared[sorted[i]] = int(until);
      if (i + 1 < end && alike[i + 1] > until) continue;
      if (i + 1 - run > best_end - best_begin) best_begin = run, best_end = i + 1;
      run = i + 1;
    }
    // No block can start later than its kRows-th sequence leaves.
    if (until == in.steps || best_end - best_begin < kRows) return shared;
    begin = best_begin, end = best_end;
  }
}

// How a batch is worked through: sequences in the order of their blocks, each block from its step on.
struct Plan {
  std::vector<long> order, from;
  long trunk = 0;  // steps
  long reference = -1;  // the sequence that is the trunk: one of the last block, which starts where it ends

  long count(long block) const { return std::min<long>(kRows, long(order.size()) - block * kRows); }
  long rows(long block) const { return count(block) <= 2 ? 2 : count(block) <= 8 ? 8 : kRows; }
};

constexpr long kTrunkRows = 2;  // the trunk is one sequence; products take two

// `shared`: what shared_beginnings says, or null. ASSUME: it holds of the layer's inputs and first states.
inline Plan plan_of(const Shape& s, const int* shared) {
  Plan plan;
  plan.order.resize(size_t(s.batch));
  std::iota(plan.order.begin(), plan.order.end(), 0);
  plan.from.assign(size_t((s.batch + kRows - 1) / kRows), 0);
  if (!shared || !s.batch) return plan;
  std::vector<long> order = plan.order;
  std::stable_sort(order.begin(), order.end(), [&](long a, long b) { return shared[a] < shared[b]; });
  std::vector<long> from(plan.from);
  long gained = 0;  // rows' steps
  for (size_t block = 0; block < from.size(); block++) {
    from[block] = shared[order[block * kRows]];
    gained += from[block] * plan.rows(long(block));
  }
  // The trunk's two rows cost as much as four of a block, and others wait for them.
  if (gained <= 4 * from.back()) return plan;
  plan.order = order, plan.from = from, plan.trunk = from.back(), plan.reference = order.back();
  return plan;
}

}  // namespace scanline
