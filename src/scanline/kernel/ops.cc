// The recurrent core as two TensorFlow operations, through TensorFlow's C interface: arguments are
// checked here, blocks shared out to threads, and the blocks' weight gradients added up in the order
// of the blocks, so that the result is the same to the bit for any number of threads.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "beginnings.h"
#include "forms.h"
#include "memory.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "threads.h"

namespace scanline {

namespace {

struct Failure {
  TF_Code code;
  std::string message;
};

// An operation's attributes, and its pool.
struct Attributes {
  Cell cell = Cell::gru;
  Precision precision = Precision::full;
  bool sequences = false, keep = false, input_gradient = false, by_source = false;
  int threads = 1;
  TF_DataType type = TF_FLOAT;
  std::shared_ptr<Pool> pool = std::make_shared<Pool>();
};

// Threads cost tens of microseconds: a single step of few rows is done at once without them.
int useful_threads(const Shape& s, int threads) {
  const double products = 2.0 * s.batch * s.steps * s.width() * s.columns();
  return products < 5e6 ? 1 : threads;
}

Tensor input(TF_OpKernelContext* context, int index) {
  Status status(TF_NewStatus());
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context, index, &tensor, status.get());
  if (TF_GetCode(status.get()) != TF_OK) throw Failure{TF_GetCode(status.get()), TF_Message(status.get())};
  return Tensor(tensor);
}

std::string shape_text(const std::vector<int64_t>& dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); i++) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

std::vector<int64_t> dims_of(const Tensor& tensor) {
  std::vector<int64_t> dims(TF_NumDims(tensor.get()));
  for (size_t i = 0; i < dims.size(); i++) dims[i] = TF_Dim(tensor.get(), int(i));
  return dims;
}

void require(const char* name, const Tensor& tensor, const std::vector<int64_t>& wanted) {
  const auto dims = dims_of(tensor);
  if (dims != wanted)
    throw Failure{TF_INVALID_ARGUMENT,
                  std::string(name) + " has shape " + shape_text(dims) + "; wanted: " + shape_text(wanted)};
}

template <class F> F* data(const Tensor& tensor) { return static_cast<F*>(TF_TensorData(tensor.get())); }

template <class F>
Tensor output(TF_OpKernelContext* context, const Attributes& attributes, int index, const std::vector<int64_t>& dims,
              size_t capacity = 0) {
  size_t bytes = sizeof(F);
  for (const int64_t dim : dims) bytes *= size_t(dim);
  capacity = std::max(capacity, bytes);
  Status status(TF_NewStatus());
  TF_Tensor* tensor;
  if (capacity < (4 << 20)) {
    tensor = TF_AllocateOutput(context, index, attributes.type, dims.data(), int(dims.size()), bytes, status.get());
  } else {
    tensor = attributes.pool->tensor(attributes.type, dims, bytes, capacity);
    TF_SetOutput(context, index, tensor, status.get());
  }
  if (TF_GetCode(status.get()) != TF_OK) throw Failure{TF_GetCode(status.get()), TF_Message(status.get())};
  return Tensor(tensor);
}

// Calls visit(array, at, to) for each gate's `units` numbers in a row of Keras' arrays: from `at` on in
// arrays[array] (kernel, recurrent_kernel, bias), from `to` on in M. After the reset, Keras' second
// bias shares z's and r's place with the first.
template <class Visit>
void each_row(const Shape& s, const Visit& visit) {
  const long up = s.padded_units(), keras = s.keras_gates() * s.units;
  const long multiplied = s.inputs(), looked_up = s.many_bits() + s.place_rows;
  const bool after = s.cell == Cell::gru_reset_after;
  for (long gate = 0; gate < s.keras_gates(); gate++) {
    const long group = gate * up, state_group = after && gate == 2 ? 3 * up : group, at = gate * s.units;
    const auto row = [&](long index) { return index * s.columns() + group; };
    for (long d = 0; d < multiplied; d++) visit(0, d * keras + at, row(up + d));
    for (long d = 0; d < looked_up; d++) visit(0, (multiplied + d) * keras + at, row(s.first_bit_row() + d));
    for (long u = 0; u < s.units; u++) visit(1, u * keras + at, u * s.columns() + state_group);
    visit(2, at, row(s.bias_row()));
    if (after) visit(2, keras + at, s.bias_row() * s.columns() + state_group);
  }
}

// M from Keras' arrays.
template <class F>
std::vector<F> assemble(const Shape& s, const std::array<const F*, 3>& arrays) {
  std::vector<F> M(size_t(s.width() * s.columns()));
  each_row(s, [&](int array, long at, long to) {
    for (long u = 0; u < s.units; u++) M[to + u] += arrays[array][at + u];
  });
  return M;
}

// The gradients of Keras' arrays from that of M.
template <class F>
void take_apart(const Shape& s, const F* dM, const std::array<F*, 3>& arrays) {
  each_row(s, [&](int array, long at, long to) { memcpy(arrays[array] + at, dM + to, s.units * sizeof(F)); });
}

// The inputs that both operations begin with. head and shared may be empty: none.
enum { X, SEEN, SOURCES, PLACES, SHARED, H, C, KERNEL, RECURRENT_KERNEL, BIAS, HEAD, INPUTS };

struct Layer {
  std::vector<Tensor> in;
  Shape shape;
  bool has_head;
  Plan plan;
};

// Each of the numbers lies in 0 .. limit - 1.
void require_within(const char* name, const Tensor& tensor, int64_t limit) {
  const int* values = data<int>(tensor);
  for (int64_t i = 0, n = TF_TensorElementCount(tensor.get()); i < n; i++)
    if (values[i] < 0 || values[i] >= limit)
      throw Failure{TF_INVALID_ARGUMENT, std::string(name) + " has " + std::to_string(values[i]) +
                                             "; allowed: 0 to " + std::to_string(limit - 1)};
}

Layer layer_of(TF_OpKernelContext* context, const Attributes& attributes) {
  Layer layer{};
  for (int i = 0; i < INPUTS; i++) layer.in.push_back(input(context, i));
  const auto& in = layer.in;
  const auto dims = [&](int i, size_t rank, const char* name, const char* wanted) {
    const auto found = dims_of(in[i]);
    if (found.size() != rank)
      throw Failure{TF_INVALID_ARGUMENT, std::string(name) + " has shape " + shape_text(found) + "; wanted: " + wanted};
    return found;
  };
  const auto x = dims(X, 3, "x", "[batch, steps, inputs]"), h = dims(H, 2, "h", "[batch, units]");
  const auto sources = dims(SOURCES, 2, "sources", "[steps, bits]"), places = dims(PLACES, 2, "places", "[steps, places]");
  const auto seen = dims(SEEN, 2, "seen", "[batch, seen]"), kernel = dims(KERNEL, 2, "kernel", "[inputs, gates * units]");
  const int64_t batch = x[0], units = h[1], bits = sources[1];
  const bool lstm = attributes.cell == Cell::lstm;
  const int64_t rows = kernel[0] - x[2] - bits;  // that are looked up
  if (units < 1 || kernel[0] < 1 || units > 65536 || kernel[0] > 65536)
    throw Failure{TF_INVALID_ARGUMENT, "units are " + std::to_string(units) + ", inputs " + std::to_string(kernel[0]) +
                                           "; allowed: 1 to 65536"};
  const int64_t length = seen[attributes.by_source ? 0 : 1];
  layer.shape = Shape{attributes.cell, batch, x[1], x[2], units, bits, length, places[1], rows};
  const int64_t gates = layer.shape.keras_gates() * units;
  if (rows < 0 || (!places[1] && rows)) require("kernel", in[KERNEL], {x[2] + bits, gates});
  require("kernel", in[KERNEL], {kernel[0], gates});
  if (bits) {
    require("seen", in[SEEN], attributes.by_source ? std::vector<int64_t>{length, batch} : std::vector<int64_t>{batch, length});
    require("sources", in[SOURCES], {x[1], bits});
    require_within("sources", in[SOURCES], length);
  }
  if (places[1]) {
    require("places", in[PLACES], {x[1], places[1]});
    require_within("places", in[PLACES], rows);
  }
  require("h", in[H], {batch, units});
  require("c", in[C], lstm ? std::vector<int64_t>{batch, units} : std::vector<int64_t>{0, 0});
  require("recurrent_kernel", in[RECURRENT_KERNEL], {units, gates});
  require("bias", in[BIAS],
          attributes.cell == Cell::gru_reset_after ? std::vector<int64_t>{2, gates} : std::vector<int64_t>{gates});
  layer.has_head = dims_of(in[HEAD]) != std::vector<int64_t>{0};
  if (layer.has_head) require("head", in[HEAD], {units + 1});
  const bool shares = dims_of(in[SHARED]) != std::vector<int64_t>{0};
  if (shares) {
    require("shared", in[SHARED], {batch});
    require_within("shared", in[SHARED], x[1] + 1);
  }
  layer.plan = plan_of(layer.shape, shares ? data<int>(in[SHARED]) : nullptr);
  return layer;
}

template <class F>
Arrays<F> arrays_of(const Layer& layer, const Attributes& attributes) {
  const Shape& s = layer.shape;
  Arrays<F> io{};
  io.x = data<F>(layer.in[X]);
  io.h0 = data<F>(layer.in[H]);
  io.c0 = s.cell == Cell::lstm ? data<F>(layer.in[C]) : nullptr;
  io.head = layer.has_head ? data<F>(layer.in[HEAD]) : nullptr;
  io.seen = data<unsigned char>(layer.in[SEEN]);
  io.seen_sequence = attributes.by_source ? 1 : s.seen;
  io.seen_source = attributes.by_source ? s.batch : 1;
  io.sources = data<int>(layer.in[SOURCES]);
  io.places = data<int>(layer.in[PLACES]);
  return io;
}

// The arrays as those of the one sequence that is the trunk.
template <class F>
Arrays<F> arrays_of_trunk(const Shape& s, Arrays<F> io, long reference) {
  const auto move = [&](auto*& at, long stride) { if (at) at += reference * stride; };
  move(io.x, s.steps * s.numbers);
  move(io.seen, io.seen_sequence);
  move(io.h0, s.units);
  move(io.c0, s.units);
  move(io.sequence, s.steps * s.units);
  move(io.logits, s.steps);
  move(io.dx, s.steps * s.numbers);
  move(io.dh0, s.units);
  move(io.dc0, s.units);
  io.h = io.c = nullptr;  // it ends where others branch off
  io.d_h = io.d_c = nullptr;
  return io;
}

// The blocks of a plan, the trunk last where there is one; what they keep lies in their order, all gates
// before all states.
template <class F>
struct Blocks {
  std::vector<Block<F>> all;
  long gate_bytes = 0, states = 0;
  long kept_size() const { return gate_bytes / long(sizeof(F)) + states; }

  Blocks(const Layer& layer, const Form<F>* form) {
    const Plan& plan = layer.plan;
    static const long first = 0;
    for (size_t i = 0; i < plan.from.size(); i++) {
      Block<F> b{};
      b.members = &plan.order[i * kRows];
      b.count = plan.count(long(i)), b.rows = plan.rows(long(i)), b.from = plan.from[i], b.to = layer.shape.steps;
      b.reference = plan.reference;
      all.push_back(b);
    }
    if (plan.trunk) {
      Block<F> b{};
      b.members = &first, b.count = 1, b.rows = kTrunkRows, b.to = plan.trunk;
      all.push_back(b);
    }
    for (const Block<F>& b : all) {
      gate_bytes += layer.shape.kept_gates(b.rows, b.to - b.from) * form->kept_bytes;
      states += layer.shape.kept_states(b.rows, b.to - b.from);
    }
    gate_bytes = (gate_bytes + 63) / 64 * 64;
  }

  void keep(const Shape& s, const Form<F>* form, F* kept) {
    char* gates = reinterpret_cast<char*>(kept);
    F* at = kept + gate_bytes / long(sizeof(F));
    for (Block<F>& b : all) {
      b.gates = gates, b.states = at;
      gates += s.kept_gates(b.rows, b.to - b.from) * form->kept_bytes;
      at += s.kept_states(b.rows, b.to - b.from);
    }
  }
};

// What `all` sequences would keep, if none shared anything: room for any batch of this shape.
template <class F>
size_t kept_capacity(const Shape& s, const Form<F>* form) {
  const long rows = (s.batch + kRows - 1) / kRows * kRows;
  return size_t(s.kept_gates(rows, s.steps) * form->kept_bytes + s.kept_states(rows, s.steps) * long(sizeof(F)) + 64);
}

template <class F>
const Form<F>* form_to_run(Precision precision) {
  const char* name = getenv("SCANLINE_KERNEL_FORM");
  const Form<F>* form = find_form<F>(name, precision);
  if (!form) throw Failure{TF_INVALID_ARGUMENT, why_none(name)};
  return form;
}

template <class F>
std::vector<F> weights_of(const Layer& layer) {
  return assemble<F>(layer.shape, {data<F>(layer.in[KERNEL]), data<F>(layer.in[RECURRENT_KERNEL]), data<F>(layer.in[BIAS])});
}

template <class F>
void forward(TF_OpKernelContext* context, const Attributes& attributes) {
  const Layer layer = layer_of(context, attributes);
  const Shape& s = layer.shape;
  const bool lstm = s.cell == Cell::lstm;
  const Form<F>* form = form_to_run<F>(attributes.precision);
  Blocks<F> blocks(layer, form);
  const Tensor sequence = output<F>(context, attributes, 0, {s.batch, attributes.sequences ? s.steps : 0, s.units});
  const Tensor logits = output<F>(context, attributes, 1, {s.batch, layer.has_head ? s.steps : 0});
  const Tensor h = output<F>(context, attributes, 2, {s.batch, s.units});
  const Tensor c = output<F>(context, attributes, 3, {lstm ? s.batch : 0, lstm ? s.units : 0});
  const Tensor kept = output<F>(context, attributes, 4, {attributes.keep ? blocks.kept_size() : 0},
                                attributes.keep ? kept_capacity(s, form) : 0);
  if (!s.batch) return;
  Arrays<F> io = arrays_of<F>(layer, attributes);
  io.sequence = attributes.sequences ? data<F>(sequence) : nullptr;
  io.logits = data<F>(logits);
  io.h = data<F>(h);
  io.c = data<F>(c);
  if (attributes.keep) blocks.keep(s, form, data<F>(kept));
  const auto M = weights_of<F>(layer);
  const Memory<F> packed(form->forward_weights_size(s));
  form->pack_forward(s, M.data(), packed.get());
  const int threads = useful_threads(s, attributes.threads);
  std::vector<Memory<F>> scratch;
  for (int i = 0; i < threads; i++) scratch.emplace_back(form->forward_scratch_size(s));
  long count = long(blocks.all.size());
  const long state = s.states() * s.padded_units();
  const Memory<F> trail(layer.plan.trunk ? (layer.plan.trunk + 1) * state : 0);
  if (layer.plan.trunk) {  // all others branch off from it
    Block<F>& trunk = blocks.all[--count];
    trunk.trail = trail.get();
    form->forward(s, arrays_of_trunk(s, io, layer.plan.reference), packed.get(), trunk, scratch[0].get());
    for (long i = 0; i < count; i++)
      if (blocks.all[i].from) blocks.all[i].start = trail.get() + blocks.all[i].from * state;
  }
  share_out(count, threads,
            [&](long block, int worker) { form->forward(s, io, packed.get(), blocks.all[block], scratch[worker].get()); });
}

// The gradients of the trunk's results: at each step those of all sequences that have not left it.
template <class F>
void sum_on_trunk(const Shape& s, const Plan& plan, const Arrays<F>& io, int threads, F* d_sequence, F* d_logits) {
  constexpr long kSteps = 16;  // a thread takes at once
  share_out((plan.trunk + kSteps - 1) / kSteps, threads, [&](long part, int) {
    for (size_t i = 0; i < plan.order.size(); i++) {
      const long b = plan.order[i], end = std::min({plan.from[i / kRows], plan.trunk, (part + 1) * kSteps});
      for (long t = part * kSteps; t < end; t++) {
        if (d_logits) d_logits[t] += io.d_logits[b * s.steps + t];
        if (!d_sequence) continue;
        const F* from = io.d_sequence + (b * s.steps + t) * s.units;
        for (long u = 0; u < s.units; u++) d_sequence[t * s.units + u] += from[u];
      }
    }
  });
}

template <class F>
void backward(TF_OpKernelContext* context, const Attributes& attributes) {
  const Layer layer = layer_of(context, attributes);
  const Shape& s = layer.shape;
  const Plan& plan = layer.plan;
  const bool lstm = s.cell == Cell::lstm;
  const Form<F>* form = form_to_run<F>(attributes.precision);
  Blocks<F> blocks(layer, form);
  const Tensor kept = input(context, INPUTS), d_sequence = input(context, INPUTS + 1), d_logits = input(context, INPUTS + 2);
  const Tensor d_h = input(context, INPUTS + 3), d_c = input(context, INPUTS + 4);
  require("kept", kept, {blocks.kept_size()});
  require("d_sequence", d_sequence, {s.batch, attributes.sequences ? s.steps : 0, s.units});
  require("d_logits", d_logits, {s.batch, layer.has_head ? s.steps : 0});
  require("d_h", d_h, {s.batch, s.units});
  require("d_c", d_c, dims_of(layer.in[C]));
  const bool wanted = attributes.input_gradient;
  const Tensor dx = output<F>(context, attributes, 0, {wanted ? s.batch : 0, s.steps, s.numbers});
  const Tensor dh0 = output<F>(context, attributes, 1, {s.batch, s.units});
  const Tensor dc0 = output<F>(context, attributes, 2, dims_of(layer.in[C]));
  const Tensor d_kernel = output<F>(context, attributes, 3, dims_of(layer.in[KERNEL]));
  const Tensor d_recurrent = output<F>(context, attributes, 4, dims_of(layer.in[RECURRENT_KERNEL]));
  const Tensor d_bias = output<F>(context, attributes, 5, dims_of(layer.in[BIAS]));
  const Tensor d_head = output<F>(context, attributes, 6, dims_of(layer.in[HEAD]));
  Arrays<F> io = arrays_of<F>(layer, attributes);
  blocks.keep(s, form, data<F>(kept));
  io.d_sequence = attributes.sequences ? data<F>(d_sequence) : nullptr;
  io.d_logits = data<F>(d_logits);
  io.d_h = data<F>(d_h);
  io.d_c = lstm ? data<F>(d_c) : nullptr;
  io.dx = wanted ? data<F>(dx) : nullptr;
  io.dh0 = data<F>(dh0);
  io.dc0 = lstm ? data<F>(dc0) : nullptr;
  const auto M = weights_of<F>(layer);
  const Memory<F> packed(form->backward_weights_size(s));
  form->pack_backward(s, M.data(), packed.get());
  const int threads = useful_threads(s, attributes.threads);
  std::vector<Memory<F>> scratch;
  for (int i = 0; i < threads; i++) scratch.emplace_back(form->backward_scratch_size(s));
  const long all = long(blocks.all.size()), count = plan.trunk ? all - 1 : all;
  const long of_head = s.width() * s.columns(), size = of_head + s.head_size();
  std::vector<F> gradients(size_t(size * (all ? all : 1)));
  const long state = s.states() * s.padded_units();
  const Memory<F> branches(plan.trunk ? count * state : 0);
  if (plan.trunk)
    for (long i = 0; i < count; i++)
      if (blocks.all[i].from) blocks.all[i].branch = branches.get() + i * state;
  const auto back = [&](const Arrays<F>& arrays, long block, int worker) {
    F* own = &gradients[block * size];
    form->backward(s, arrays, packed.get(), blocks.all[block], scratch[worker].get(), own, own + of_head);
  };
  share_out(count, threads, [&](long block, int worker) { back(io, block, worker); });
  if (plan.trunk) {
    std::vector<F> joined(size_t((plan.trunk + 1) * state));
    for (long i = 0; i < count; i++)
      for (long u = 0; blocks.all[i].branch && u < state; u++) joined[blocks.all[i].from * state + u] += blocks.all[i].branch[u];
    std::vector<F> on_logits(size_t(layer.has_head ? plan.trunk : 0)), on_sequence(size_t(io.d_sequence ? plan.trunk * s.units : 0));
    sum_on_trunk(s, plan, io, threads, io.d_sequence ? on_sequence.data() : nullptr, layer.has_head ? on_logits.data() : nullptr);
    Arrays<F> own = arrays_of_trunk(s, io, plan.reference);
    own.d_sequence = io.d_sequence ? on_sequence.data() : nullptr;
    own.d_logits = on_logits.data();
    blocks.all[count].joined = joined.data();
    back(own, count, 0);
  }
  for (long block = 1; block < all; block++)
    for (long i = 0; i < size; i++) gradients[i] += gradients[block * size + i];
  take_apart<F>(s, gradients.data(), {data<F>(d_kernel), data<F>(d_recurrent), data<F>(d_bias)});
  if (layer.has_head) {
    memcpy(data<F>(d_head), &gradients[of_head], s.units * sizeof(F));
    data<F>(d_head)[s.units] = gradients[of_head + s.padded_units()];
  }
}

// ScanlineShared: how many steps of the trunk each sequence shares.
template <class F>
void share(TF_OpKernelContext* context) {
  const Tensor x = input(context, 0), seen = input(context, 1), sources = input(context, 2), states = input(context, 3);
  const auto dims = dims_of(x), of_seen = dims_of(seen), of_sources = dims_of(sources), of_states = dims_of(states);
  if (dims.size() != 3 || of_states.size() != 2 || of_states[0] != dims[0])
    throw Failure{TF_INVALID_ARGUMENT, "x has shape " + shape_text(dims) + " and states " + shape_text(of_states) +
                                           "; wanted: [batch, steps, inputs] and [batch, units]"};
  if (of_sources.size() != 2) throw Failure{TF_INVALID_ARGUMENT, "sources has shape " + shape_text(of_sources) + "; wanted: [steps, bits]"};
  Inputs<F> in{dims[0], dims[1], dims[2], of_states[1], of_sources[1], 0, data<F>(x), data<F>(states), data<unsigned char>(seen), data<int>(sources)};
  if (in.bits) {
    in.seen_size = of_seen.size() == 2 ? of_seen[1] : 0;
    require("seen", seen, {in.batch, in.seen_size});
    require("sources", sources, {in.steps, in.bits});
    require_within("sources", sources, in.seen_size);
  }
  const std::vector<int> found = shared_beginnings(in);
  Status status(TF_NewStatus());
  const int64_t batch = in.batch;
  const Tensor result(TF_AllocateOutput(context, 0, TF_INT32, &batch, 1, size_t(batch) * sizeof(int), status.get()));
  if (TF_GetCode(status.get()) != TF_OK) throw Failure{TF_GetCode(status.get()), TF_Message(status.get())};
  if (batch) memcpy(data<int>(result), found.data(), size_t(batch) * sizeof(int));
}

enum class Operation { forward, backward, shared };

bool flag(TF_OpKernelConstruction* construction, const char* name, TF_Status* status) {
  TF_Bool value = 0;
  TF_OpKernelConstruction_GetAttrBool(construction, name, &value, status);
  return value;
}

std::string text(TF_OpKernelConstruction* construction, const char* name, TF_Status* status) {
  char value[32] = {};
  TF_OpKernelConstruction_GetAttrString(construction, name, value, sizeof(value) - 1, status);
  return value;
}

template <Operation OPERATION>
void* create(TF_OpKernelConstruction* construction) {
  Status status(TF_NewStatus());
  auto attributes = std::make_unique<Attributes>();
  if (OPERATION != Operation::shared) {
    const std::string cell = text(construction, "cell", status.get());
    attributes->cell = cell == "gru" ? Cell::gru : cell == "lstm" ? Cell::lstm : Cell::gru_reset_after;
    if (text(construction, "precision", status.get()) == "bfloat16") attributes->precision = Precision::bfloat16;
    attributes->sequences = flag(construction, "sequences", status.get());
    attributes->by_source = flag(construction, "by_source", status.get());
    if (OPERATION == Operation::backward) attributes->input_gradient = flag(construction, "input_gradient", status.get());
    else attributes->keep = flag(construction, "keep", status.get());
    int32_t threads = 1;
    TF_OpKernelConstruction_GetAttrInt32(construction, "threads", &threads, status.get());
    attributes->threads = threads < 1 ? 1 : threads > 1024 ? 1024 : threads;
  }
  TF_OpKernelConstruction_GetAttrType(construction, "F", &attributes->type, status.get());
  if (TF_GetCode(status.get()) != TF_OK) TF_OpKernelConstruction_Failure(construction, status.get());
  return attributes.release();
}

template <Operation OPERATION, class F>
void compute_in(TF_OpKernelContext* context, const Attributes& attributes) {
  if constexpr (OPERATION == Operation::forward) forward<F>(context, attributes);
  else if constexpr (OPERATION == Operation::backward) backward<F>(context, attributes);
  else share<F>(context);
}

template <Operation OPERATION>
void compute(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
  Failure failure{TF_OK, ""};
  try {
    if (attributes.type == TF_FLOAT) compute_in<OPERATION, float>(context, attributes);
    else compute_in<OPERATION, double>(context, attributes);
  } catch (const Failure& found) {
    failure = found;
  } catch (const std::bad_alloc&) {
    failure = {TF_RESOURCE_EXHAUSTED, "out of memory in the recurrent core; use a smaller batch"};
  }
  if (failure.code != TF_OK) {
    Status status(TF_NewStatus());
    TF_SetStatus(status.get(), failure.code, failure.message.c_str());
    TF_OpKernelContext_Failure(context, status.get());
  }
}

void destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

void unknown_shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

template <Operation OPERATION>
void register_operation(const char* name, const std::vector<const char*>& attributes, const std::vector<const char*>& arguments,
                        const std::vector<const char*>& results) {
  Status status(TF_NewStatus());
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddAttr(op, "F: {float, double}");
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(op, attribute);
  for (const char* argument : arguments) TF_OpDefinitionBuilderAddInput(op, argument);
  for (const char* result : results) TF_OpDefinitionBuilderAddOutput(op, result);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, unknown_shapes);
  TF_RegisterOpDefinition(op, status.get());
  if (TF_GetCode(status.get()) != TF_OK) fprintf(stderr, "%s: %s\n", name, TF_Message(status.get()));
  for (const TF_DataType type : {TF_FLOAT, TF_DOUBLE}) {
    TF_KernelBuilder* builder = TF_NewKernelBuilder(name, "CPU", create<OPERATION>, compute<OPERATION>, destroy);
    TF_KernelBuilder_TypeConstraint(builder, "F", type, status.get());
    TF_RegisterKernelBuilder(name, builder, status.get());
    if (TF_GetCode(status.get()) != TF_OK) fprintf(stderr, "%s: %s\n", name, TF_Message(status.get()));
  }
}

bool register_all() {
  std::vector<const char*> attributes{"cell: {'gru', 'gru_reset_after', 'lstm'}", "precision: {'float32', 'bfloat16'}",
                                      "sequences: bool", "by_source: bool", "threads: int"};
  std::vector<const char*> inputs{"x: F", "seen: uint8", "sources: int32", "places: int32", "shared: int32", "h: F", "c: F",
                                  "kernel: F", "recurrent_kernel: F", "bias: F", "head: F"};
  auto with = [](std::vector<const char*> list, std::vector<const char*> more) {
    list.insert(list.end(), more.begin(), more.end());
    return list;
  };
  register_operation<Operation::forward>("ScanlineRecurrent", with(attributes, {"keep: bool"}), inputs,
                                         {"sequence: F", "logits: F", "h_last: F", "c_last: F", "kept: F"});
  register_operation<Operation::backward>(
      "ScanlineRecurrentBackward", with(attributes, {"input_gradient: bool"}),
      with(inputs, {"kept: F", "d_sequence: F", "d_logits: F", "d_h: F", "d_c: F"}),
      {"d_x: F", "d_h0: F", "d_c0: F", "d_kernel: F", "d_recurrent_kernel: F", "d_bias: F", "d_head: F"});
  register_operation<Operation::shared>("ScanlineShared", {}, {"x: F", "seen: uint8", "sources: int32", "states: F"}, {"shared: int32"});
  return true;
}

const bool registered = register_all();

}  // namespace
}  // namespace scanline

// The form that computes, and the instruction that multiplies, for native.py; where the form that is
// named does not run here, why.
extern "C" const char* scanline_instruction_set(int bfloat16) {
  using namespace scanline;
  static thread_local std::string words;
  const char* name = getenv("SCANLINE_KERNEL_FORM");
  const auto* form = find_form<float>(name, bfloat16 ? Precision::bfloat16 : Precision::full);
  words = form ? std::string(form->name) + " " + form->products : why_none(name);
  return words.c_str();
}
