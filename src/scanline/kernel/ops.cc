// The recurrent core as two TensorFlow operations, through TensorFlow's C interface: arguments are
// checked here, blocks shared out to threads, and the blocks' weight gradients added up in the order
// of the blocks, so that the result is the same to the bit for any number of threads.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "forms.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace scanline {

namespace {

struct StatusDeleter { void operator()(TF_Status* s) const { TF_DeleteStatus(s); } };
struct TensorDeleter { void operator()(TF_Tensor* t) const { TF_DeleteTensor(t); } };
using Status = std::unique_ptr<TF_Status, StatusDeleter>;
using Tensor = std::unique_ptr<TF_Tensor, TensorDeleter>;

struct Failure {
  TF_Code code;
  std::string message;
};

// Memory of large results. What TensorFlow frees comes back here and serves the next call, since
// fresh pages cost as much time as a tenth of the arithmetic. Each operation has a pool of its own;
// results that are still held keep it alive.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  ~Pool() {
    for (auto& block : spare_) free(block.first);
  }

  TF_Tensor* tensor(TF_DataType type, const std::vector<int64_t>& dims, size_t bytes) {
    void* at = nullptr;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (size_t i = 0; i < spare_.size() && !at; i++)
        if (spare_[i].second == bytes) {
          at = spare_[i].first;
          spare_.erase(spare_.begin() + i);
        }
      if (!at)  // of another size: given back before more is taken
        for (; !spare_.empty(); spare_.pop_back()) free(spare_.back().first);
    }
    constexpr size_t page = 1 << 21;
    if (!at) {
      if (posix_memalign(&at, page, bytes)) throw std::bad_alloc();
#if defined(__linux__)
      madvise(at, bytes / page * page, MADV_HUGEPAGE);
#endif
    }
    auto* loan = new Loan{shared_from_this(), bytes};
    return TF_NewTensor(type, dims.data(), int(dims.size()), at, bytes, give_back, loan);
  }

 private:
  struct Loan {
    std::shared_ptr<Pool> pool;
    size_t bytes;
  };
  static void give_back(void* at, size_t, void* argument) {
    std::unique_ptr<Loan> loan(static_cast<Loan*>(argument));
    std::lock_guard<std::mutex> lock(loan->pool->mutex_);
    if (loan->pool->spare_.size() < 4) loan->pool->spare_.emplace_back(at, loan->bytes);
    else free(at);
  }
  std::mutex mutex_;
  std::vector<std::pair<void*, size_t>> spare_;
};

// An operation's attributes, and its pool.
struct Attributes {
  Cell cell = Cell::gru;
  bool sequences = false, keep = false, input_gradient = false;
  int threads = 1;
  TF_DataType type = TF_FLOAT;
  std::shared_ptr<Pool> pool = std::make_shared<Pool>();
};

template <class F>
struct Memory {  // aligned, not initialised
  explicit Memory(long n) {
    const size_t bytes = (size_t(n) * sizeof(F) + 63) / 64 * 64;
    if (posix_memalign(&at, 64, bytes ? bytes : 64)) throw std::bad_alloc();
  }
  Memory(Memory&& other) noexcept : at(other.at) { other.at = nullptr; }
  ~Memory() { free(at); }
  F* get() const { return static_cast<F*>(at); }
  void* at = nullptr;
};

// Calls run(block, worker) for each block. No thread outlives the call, so that a fork is safe.
template <class Run>
void share_out(long blocks, int threads, const Run& run) {
  std::atomic<long> next{0};
  const auto work = [&](int worker) {
    for (long block; (block = next.fetch_add(1)) < blocks;) run(block, worker);
  };
  std::vector<std::thread> others;
  for (int worker = 1; worker < threads && worker < blocks; worker++) {
    try {
      others.emplace_back(work, worker);
    } catch (const std::system_error&) {
      break;  // no more threads to be had: those that run do the work
    }
  }
  work(0);
  for (auto& other : others) other.join();
}

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
Tensor output(TF_OpKernelContext* context, const Attributes& attributes, int index, const std::vector<int64_t>& dims) {
  size_t bytes = sizeof(F);
  for (const int64_t dim : dims) bytes *= size_t(dim);
  Status status(TF_NewStatus());
  TF_Tensor* tensor;
  if (bytes < (4 << 20)) {
    tensor = TF_AllocateOutput(context, index, attributes.type, dims.data(), int(dims.size()), bytes, status.get());
  } else {
    tensor = attributes.pool->tensor(attributes.type, dims, bytes);
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
  const bool after = s.cell == Cell::gru_reset_after;
  for (long gate = 0; gate < s.keras_gates(); gate++) {
    const long group = gate * up, state_group = after && gate == 2 ? 3 * up : group, at = gate * s.units;
    for (long d = 0; d < s.inputs; d++) visit(0, d * keras + at, (up + 1 + d) * s.columns() + group);
    for (long u = 0; u < s.units; u++) visit(1, u * keras + at, u * s.columns() + state_group);
    visit(2, at, up * s.columns() + group);
    if (after) visit(2, keras + at, up * s.columns() + state_group);
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

// Inputs 0 to 6 of both operations: x, h, c, kernel, recurrent_kernel, bias, head (empty: none).
struct Layer {
  Tensor x, h0, c0, kernel, recurrent, bias, head;
  Shape shape;
  bool has_head;
};

Layer layer_of(TF_OpKernelContext* context, const Attributes& attributes) {
  Layer layer{input(context, 0), input(context, 1), input(context, 2), input(context, 3), input(context, 4),
              input(context, 5), input(context, 6), {}, false};
  const auto x = dims_of(layer.x), h = dims_of(layer.h0);
  if (x.size() != 3) throw Failure{TF_INVALID_ARGUMENT, "x has shape " + shape_text(x) + "; wanted: [batch, steps, inputs]"};
  if (h.size() != 2) throw Failure{TF_INVALID_ARGUMENT, "h has shape " + shape_text(h) + "; wanted: [batch, units]"};
  const int64_t batch = x[0], inputs = x[2], units = h[1];
  const bool lstm = attributes.cell == Cell::lstm;
  if (units < 1 || inputs < 1 || units > 65536 || inputs > 65536)
    throw Failure{TF_INVALID_ARGUMENT, "units are " + std::to_string(units) + ", inputs " + std::to_string(inputs) +
                                           "; allowed: 1 to 65536"};
  layer.shape = Shape{attributes.cell, batch, x[1], inputs, units};
  const int64_t gates = layer.shape.keras_gates() * units;
  require("h", layer.h0, {batch, units});
  require("c", layer.c0, lstm ? std::vector<int64_t>{batch, units} : std::vector<int64_t>{0, 0});
  require("kernel", layer.kernel, {inputs, gates});
  require("recurrent_kernel", layer.recurrent, {units, gates});
  require("bias", layer.bias,
          attributes.cell == Cell::gru_reset_after ? std::vector<int64_t>{2, gates} : std::vector<int64_t>{gates});
  layer.has_head = dims_of(layer.head) != std::vector<int64_t>{0};
  if (layer.has_head) require("head", layer.head, {units + 1});
  return layer;
}

template <class F>
const Form<F>* form_to_run() {
  const char* name = getenv("SCANLINE_KERNEL_FORM");
  const Form<F>* form = find_form<F>(name);
  if (!form)
    throw Failure{TF_INVALID_ARGUMENT, std::string("SCANLINE_KERNEL_FORM is ") + name +
                                           ", which this processor does not run; allowed: avx512, avx2, plain"};
  return form;
}

template <class F>
void forward(TF_OpKernelContext* context, const Attributes& attributes) {
  const Layer layer = layer_of(context, attributes);
  const Shape& s = layer.shape;
  const bool lstm = s.cell == Cell::lstm;
  const Form<F>* form = form_to_run<F>();
  const Tensor sequence = output<F>(context, attributes, 0, {s.batch, attributes.sequences ? s.steps : 0, s.units});
  const Tensor logits = output<F>(context, attributes, 1, {s.batch, layer.has_head ? s.steps : 0});
  const Tensor h = output<F>(context, attributes, 2, {s.batch, s.units});
  const Tensor c = output<F>(context, attributes, 3, {lstm ? s.batch : 0, lstm ? s.units : 0});
  const long kept_gates = attributes.keep ? s.blocks() * s.kept_gates() : 0;
  const long kept_states = attributes.keep ? s.blocks() * s.kept_states() : 0;
  const Tensor kept = output<F>(context, attributes, 4, {kept_gates + kept_states});
  if (!s.batch) return;
  Arrays<F> io{};
  io.x = data<F>(layer.x);
  io.h0 = data<F>(layer.h0);
  io.c0 = lstm ? data<F>(layer.c0) : nullptr;
  io.head = layer.has_head ? data<F>(layer.head) : nullptr;
  io.sequence = attributes.sequences ? data<F>(sequence) : nullptr;
  io.logits = data<F>(logits);
  io.h = data<F>(h);
  io.c = data<F>(c);
  if (attributes.keep) {
    io.gates = data<F>(kept);
    io.states = io.gates + kept_gates;
  }
  const auto M = assemble<F>(s, {data<F>(layer.kernel), data<F>(layer.recurrent), data<F>(layer.bias)});
  const Memory<F> packed(form->forward_weights_size(s));
  form->pack_forward(s, M.data(), packed.get());
  const int threads = useful_threads(s, attributes.threads);
  std::vector<Memory<F>> scratch;
  for (int i = 0; i < threads; i++) scratch.emplace_back(form->forward_scratch_size(s));
  share_out(s.blocks(), threads,
            [&](long block, int worker) { form->forward(s, io, packed.get(), block, scratch[worker].get()); });
}

template <class F>
void backward(TF_OpKernelContext* context, const Attributes& attributes) {
  const Layer layer = layer_of(context, attributes);
  const Shape& s = layer.shape;
  const bool lstm = s.cell == Cell::lstm;
  const Form<F>* form = form_to_run<F>();
  const Tensor kept = input(context, 7), d_sequence = input(context, 8), d_logits = input(context, 9);
  const Tensor d_h = input(context, 10), d_c = input(context, 11);
  require("kept", kept, {s.blocks() * (s.kept_gates() + s.kept_states())});
  require("d_sequence", d_sequence, {s.batch, attributes.sequences ? s.steps : 0, s.units});
  require("d_logits", d_logits, {s.batch, layer.has_head ? s.steps : 0});
  require("d_h", d_h, {s.batch, s.units});
  require("d_c", d_c, dims_of(layer.c0));
  const bool wanted = attributes.input_gradient;
  const Tensor dx = output<F>(context, attributes, 0, {wanted ? s.batch : 0, s.steps, s.inputs});
  const Tensor dh0 = output<F>(context, attributes, 1, {s.batch, s.units});
  const Tensor dc0 = output<F>(context, attributes, 2, dims_of(layer.c0));
  const Tensor d_kernel = output<F>(context, attributes, 3, dims_of(layer.kernel));
  const Tensor d_recurrent = output<F>(context, attributes, 4, dims_of(layer.recurrent));
  const Tensor d_bias = output<F>(context, attributes, 5, dims_of(layer.bias));
  const Tensor d_head = output<F>(context, attributes, 6, dims_of(layer.head));
  Arrays<F> io{};
  io.x = data<F>(layer.x);
  io.gates = data<F>(kept);
  io.states = io.gates + s.blocks() * s.kept_gates();
  io.head = layer.has_head ? data<F>(layer.head) : nullptr;
  io.d_sequence = attributes.sequences ? data<F>(d_sequence) : nullptr;
  io.d_logits = data<F>(d_logits);
  io.d_h = data<F>(d_h);
  io.d_c = lstm ? data<F>(d_c) : nullptr;
  io.dx = wanted ? data<F>(dx) : nullptr;
  io.dh0 = data<F>(dh0);
  io.dc0 = data<F>(dc0);
  const auto M = assemble<F>(s, {data<F>(layer.kernel), data<F>(layer.recurrent), data<F>(layer.bias)});
  const Memory<F> packed(form->backward_weights_size(s));
  form->pack_backward(s, M.data(), packed.get());
  const int threads = useful_threads(s, attributes.threads);
  std::vector<Memory<F>> scratch;
  for (int i = 0; i < threads; i++) scratch.emplace_back(form->backward_scratch_size(s));
  const long of_head = s.width() * s.columns(), size = of_head + s.head_size();
  std::vector<F> gradients(size_t(size * (s.blocks() ? s.blocks() : 1)));
  share_out(s.blocks(), threads, [&](long block, int worker) {
    F* own = &gradients[block * size];
    form->backward(s, io, packed.get(), block, scratch[worker].get(), own, own + of_head);
  });
  for (long block = 1; block < s.blocks(); block++)
    for (long i = 0; i < size; i++) gradients[i] += gradients[block * size + i];
  take_apart<F>(s, gradients.data(), {data<F>(d_kernel), data<F>(d_recurrent), data<F>(d_bias)});
  if (layer.has_head) {
    memcpy(data<F>(d_head), &gradients[of_head], s.units * sizeof(F));
    data<F>(d_head)[s.units] = gradients[of_head + s.padded_units()];
  }
}

bool flag(TF_OpKernelConstruction* construction, const char* name, TF_Status* status) {
  TF_Bool value = 0;
  TF_OpKernelConstruction_GetAttrBool(construction, name, &value, status);
  return value;
}

template <bool BACKWARD>
void* create(TF_OpKernelConstruction* construction) {
  Status status(TF_NewStatus());
  auto attributes = std::make_unique<Attributes>();
  char cell[32] = {};
  TF_OpKernelConstruction_GetAttrString(construction, "cell", cell, sizeof(cell) - 1, status.get());
  attributes->cell = !strcmp(cell, "gru") ? Cell::gru : !strcmp(cell, "lstm") ? Cell::lstm : Cell::gru_reset_after;
  attributes->sequences = flag(construction, "sequences", status.get());
  if (BACKWARD) attributes->input_gradient = flag(construction, "input_gradient", status.get());
  else attributes->keep = flag(construction, "keep", status.get());
  int32_t threads = 1;
  TF_OpKernelConstruction_GetAttrInt32(construction, "threads", &threads, status.get());
  attributes->threads = threads < 1 ? 1 : threads > 1024 ? 1024 : threads;
  TF_OpKernelConstruction_GetAttrType(construction, "F", &attributes->type, status.get());
  if (TF_GetCode(status.get()) != TF_OK) TF_OpKernelConstruction_Failure(construction, status.get());
  return attributes.release();
}

template <bool BACKWARD>
void compute(void* kernel, TF_OpKernelContext* context) {
  const Attributes& attributes = *static_cast<Attributes*>(kernel);
  Failure failure{TF_OK, ""};
  try {
    if (attributes.type == TF_FLOAT) BACKWARD ? backward<float>(context, attributes) : forward<float>(context, attributes);
    else BACKWARD ? backward<double>(context, attributes) : forward<double>(context, attributes);
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

template <bool BACKWARD>
void register_operation() {
  const char* name = BACKWARD ? "ScanlineRecurrentBackward" : "ScanlineRecurrent";
  Status status(TF_NewStatus());
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddAttr(op, "F: {float, double}");
  TF_OpDefinitionBuilderAddAttr(op, "cell: {'gru', 'gru_reset_after', 'lstm'}");
  TF_OpDefinitionBuilderAddAttr(op, "sequences: bool");
  TF_OpDefinitionBuilderAddAttr(op, BACKWARD ? "input_gradient: bool" : "keep: bool");
  TF_OpDefinitionBuilderAddAttr(op, "threads: int");
  for (const char* argument : {"x: F", "h: F", "c: F", "kernel: F", "recurrent_kernel: F", "bias: F", "head: F"})
    TF_OpDefinitionBuilderAddInput(op, argument);
  if (BACKWARD) {
    for (const char* argument : {"kept: F", "d_sequence: F", "d_logits: F", "d_h: F", "d_c: F"}) TF_OpDefinitionBuilderAddInput(op, argument);
    for (const char* result : {"d_x: F", "d_h0: F", "d_c0: F", "d_kernel: F", "d_recurrent_kernel: F", "d_bias: F", "d_head: F"})
      TF_OpDefinitionBuilderAddOutput(op, result);
  } else {
    for (const char* result : {"sequence: F", "logits: F", "h_last: F", "c_last: F", "kept: F"}) TF_OpDefinitionBuilderAddOutput(op, result);
  }
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, unknown_shapes);
  TF_RegisterOpDefinition(op, status.get());
  if (TF_GetCode(status.get()) != TF_OK) fprintf(stderr, "%s: %s\n", name, TF_Message(status.get()));
  for (const TF_DataType type : {TF_FLOAT, TF_DOUBLE}) {
    TF_KernelBuilder* builder = TF_NewKernelBuilder(name, "CPU", create<BACKWARD>, compute<BACKWARD>, destroy);
    TF_KernelBuilder_TypeConstraint(builder, "F", type, status.get());
    TF_RegisterKernelBuilder(name, builder, status.get());
    if (TF_GetCode(status.get()) != TF_OK) fprintf(stderr, "%s: %s\n", name, TF_Message(status.get()));
  }
}

const bool registered = (register_operation<false>(), register_operation<true>(), true);

}  // namespace
}  // namespace scanline
