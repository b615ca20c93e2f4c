// The recurrent core: one layer of GRU or LSTM over a batch of sequences, forward and backward.
//
// A block of up to kRows sequences goes through its steps, so that its state stays in the first-level
// cache and the weights in the second. Blocks do not touch each other; whoever calls shares them out
// to threads and adds up their weight gradients in the order of the blocks.
//
// recurrent.cc is compiled once an instruction set (a "form"); each form offers the same functions.
// vectors.h, operands.h, products.h and tiles.h are its arithmetic, rows.h what goes in and out, lookups.h the
// inputs that are looked up, cells.h one step of each cell, passes.h a block's way through its steps
// and back.
#pragma once

namespace scanline {

// gru: the reset gate acts before the recurrent product (equations 6 to 9 of the report);
// gru_reset_after: after it, as in cuDNN; lstm: equations 1 to 5.
enum class Cell { gru, gru_reset_after, lstm };

// bfloat16: both operands of every product are rounded to it (to nearest, ties to even), and the gates
// that are kept for the backward pass take half the memory. Sums, states, gates and weights are float32.
enum class Precision { full, bfloat16 };

constexpr long kPadding = 16;  // units are padded to a multiple, so that any vector divides them
constexpr long kRows = 16;     // sequences of a block
constexpr long kSegment = 8;   // steps between two kept states, and in one product of weight gradients
constexpr long kFew = 8;       // binary inputs below which they are numbers among the others
constexpr long kLarge = 4 << 20;  // bytes of an array that is better written past the caches

constexpr long padded(long n) { return (n + kPadding - 1) / kPadding * kPadding; }
constexpr long odd_lines(long n) { return (padded(n) / kPadding | 1) * kPadding; }

// The sizes of a layer and what follows from them.
//
// A step reads `numbers`, `bits` that are 0 or 1, and rows of weights that its place looks up. The rows
// of its products are a = [state | numbers], `depth` long. The weights M [width, gates * padded units]
// hold, gate by gate, recurrent kernel, kernel, bias, and the rows that are added and not multiplied:
// the bits' and the places'. Few bits are numbers like the others. Gates:
//   gru              z, r, candidate
//   gru_reset_after  z, r, the candidate's part from the input, its part from the state
//   lstm             i, f, candidate, o
struct Shape {
  Cell cell;
  long batch, steps, numbers, units;
  long bits, seen;           // bits of a step; length of what they are read from
  long places, place_rows;   // rows that a step looks up; rows there are

  long gates() const { return cell == Cell::gru ? 3 : 4; }
  long keras_gates() const { return cell == Cell::lstm ? 4 : 3; }  // Keras' layout, the input's gradient
  long states() const { return cell == Cell::lstm ? 2 : 1; }
  long padded_units() const { return padded(units); }
  long columns() const { return gates() * padded_units(); }
  long few_bits() const { return bits < kFew ? bits : 0; }
  long many_bits() const { return bits - few_bits(); }
  long inputs() const { return numbers + few_bits(); }  // of the products
  long depth() const { return padded_units() + inputs(); }
  long bias_row() const { return depth(); }  // of M, as the next two
  long first_bit_row() const { return depth() + 1; }
  long first_place_row() const { return depth() + 1 + many_bits(); }
  long width() const { return depth() + 1 + many_bits() + place_rows; }
  long head_size() const { return padded_units() + 1; }  // of a head at work
  // Rows lie apart by whole cache lines, an odd number of them, so that columns spread over the cache.
  long row_stride() const { return odd_lines(depth()); }
  long gate_stride() const { return odd_lines(columns()); }  // of gates at work; kept ones lie close
  // What `rows` sequences keep of `n` steps for the backward pass: all gates, the state at each segment's start.
  long kept_gates(long rows, long n) const { return n * rows * columns(); }
  long kept_states(long rows, long n) const {
    return (n + kSegment - 1) / kSegment * rows * states() * padded_units();
  }
};

// What the blocks read and write. Arrays are those of the caller: x [batch, steps, numbers], seen of
// [batch, seen] bytes at the given strides, sources [steps, bits] the places in it, places [steps,
// places] rows of weights, states [batch, units], sequence [batch, steps, units]; a null pointer stands
// for "not wanted". A head [units + 1], weights and bias, makes one logit a step of the states: logits
// [batch, steps].
template <class F>
struct Arrays {
  const F *x, *h0, *c0, *head;
  const unsigned char* seen;
  long seen_sequence, seen_source;  // strides
  const int *sources, *places;
  F *sequence, *logits, *h, *c;
  const F *d_sequence, *d_logits, *d_h, *d_c;
  F *dx, *dh0, *dc0;
};

// Sequences that go side by side from step `from` to step `to`. Where they begin as another one does,
// `from` is not 0: `start` is the state before it, and what came out until then is `reference`'s.
template <class F>
struct Block {
  const long* members;  // `count` places in the batch
  long count, rows;     // rows at work: 2, 8 or kRows
  long from, to;
  void* gates;  // kept for the backward pass
  F* states;
  const F* start;  // [states, padded units]; null: the caller's first states
  long reference;
  F* trail;         // [steps + 1, states, padded units]: the first member's states, where others branch off
  const F* joined;  // their gradients, of those that branch off: the same shape
  F* branch;        // the gradient of `start`, summed over the members
};

template <class F>
struct Form {
  const char* name;
  const char* products;  // the instruction that multiplies
  long kept_bytes;       // of a kept gate
  // Sizes in elements of F.
  long (*forward_weights_size)(const Shape&);
  long (*backward_weights_size)(const Shape&);
  long (*forward_scratch_size)(const Shape&);
  long (*backward_scratch_size)(const Shape&);
  // Arranges M for the products of one direction.
  void (*pack_forward)(const Shape&, const F* M, F* packed);
  void (*pack_backward)(const Shape&, const F* M, F* packed);
  void (*forward)(const Shape&, const Arrays<F>&, const F* packed, const Block<F>&, F* scratch);
  // Adds the block's weight gradients to dM [width, columns] and, with a head, to d_head [head_size].
  void (*backward)(const Shape&, const Arrays<F>&, const F* packed, const Block<F>&, F* scratch, F* dM, F* d_head);
};

#if defined(__x86_64__)
namespace amxbf16 { extern const Form<float> form16 __attribute__((weak)); }  // null: the compiler has no AMX
namespace avx512bf16 { extern const Form<float> form16; }
namespace avx512 { extern const Form<float> form32, form16; extern const Form<double> form64; }
namespace avx2 { extern const Form<float> form32, form16; extern const Form<double> form64; }
#endif
namespace plain { extern const Form<float> form32, form16; extern const Form<double> form64; }

}  // namespace scanline
