// The recurrent core: one layer of GRU or LSTM over a batch of sequences, forward and backward.
//
// A block of `rows` sequences goes through all steps, so that its state stays in the first-level
// cache and the weights in the second. Blocks do not touch each other; whoever calls shares them out
// to threads and adds up their weight gradients in the order of the blocks.
//
// recurrent.cc is compiled once an instruction set (a "form"); each form offers the same functions.
// vectors.h and products.h are its arithmetic, rows.h what goes in and out, cells.h one step of each
// cell, passes.h a block's way through all steps and back.
#pragma once

namespace scanline {

// gru: the reset gate acts before the recurrent product (equations 6 to 9 of the report);
// gru_reset_after: after it, as in cuDNN; lstm: equations 1 to 5.
enum class Cell { gru, gru_reset_after, lstm };

constexpr long kPadding = 16;  // units are padded to a multiple, so that any vector divides them
constexpr long kRows = 16;     // sequences of a block
constexpr long kSegment = 8;   // steps between two kept states, and in one product of weight gradients
constexpr long kLarge = 4 << 20;  // bytes of an array that is better written past the caches

constexpr long padded(long n) { return (n + kPadding - 1) / kPadding * kPadding; }
constexpr long odd_lines(long n) { return (padded(n) / kPadding | 1) * kPadding; }

// The sizes of a layer and what follows from them.
//
// The rows of a step's products are a = [state | 1 | input], `width` long; the weights M
// [width, gates * padded units] hold, gate by gate, recurrent kernel, bias and kernel. Gates:
//   gru              z, r, candidate
//   gru_reset_after  z, r, the candidate's part from the input, its part from the state
//   lstm             i, f, candidate, o
struct Shape {
  Cell cell;
  long batch, steps, inputs, units;

  long gates() const { return cell == Cell::gru ? 3 : 4; }
  long keras_gates() const { return cell == Cell::lstm ? 4 : 3; }  // Keras' layout, the input's gradient
  long states() const { return cell == Cell::lstm ? 2 : 1; }
  long padded_units() const { return padded(units); }
  long columns() const { return gates() * padded_units(); }
  long width() const { return padded_units() + 1 + inputs; }
  long head_size() const { return padded_units() + 1; }  // of a head at work
  // Rows lie apart by whole cache lines, an odd number of them, so that columns spread over the cache.
  long row_stride() const { return odd_lines(width()); }
  long gate_stride() const { return odd_lines(columns()); }  // of gates at work; kept ones lie close
  long blocks() const { return (batch + kRows - 1) / kRows; }
  long segments() const { return (steps + kSegment - 1) / kSegment; }
  // What a block keeps for the backward pass: the gates of all steps, the state at each segment's start.
  long kept_gates() const { return steps * kRows * columns(); }
  long kept_states() const { return segments() * kRows * states() * padded_units(); }
};

// What the blocks read and write. Arrays are those of the caller: x [batch, steps, inputs],
// states [batch, units], sequence [batch, steps, units]; a null pointer stands for "not wanted".
// A head [units + 1], weights and bias, makes one logit a step of the states: logits [batch, steps].
template <class F>
struct Arrays {
  const F *x, *h0, *c0, *head;
  F *sequence, *logits, *h, *c;
  F *gates, *states;  // kept for the backward pass, block by block
  const F *d_sequence, *d_logits, *d_h, *d_c;
  F *dx, *dh0, *dc0;
};

template <class F>
struct Form {
  const char* name;
  // Sizes in elements of F.
  long (*forward_weights_size)(const Shape&);
  long (*backward_weights_size)(const Shape&);
  long (*forward_scratch_size)(const Shape&);
  long (*backward_scratch_size)(const Shape&);
  // Arranges M for the products of one direction.
  void (*pack_forward)(const Shape&, const F* M, F* packed);
  void (*pack_backward)(const Shape&, const F* M, F* packed);
  void (*forward)(const Shape&, const Arrays<F>&, const F* packed, long block, F* scratch);
  // Adds the block's weight gradients to dM [width, columns] and, with a head, to d_head [head_size].
  void (*backward)(const Shape&, const Arrays<F>&, const F* packed, long block, F* scratch, F* dM, F* d_head);
};

#if defined(__x86_64__)
namespace avx512 { extern const Form<float> form32; extern const Form<double> form64; }
namespace avx2 { extern const Form<float> form32; extern const Form<double> form64; }
#endif
namespace plain { extern const Form<float> form32; extern const Form<double> form64; }

}  // namespace scanline
