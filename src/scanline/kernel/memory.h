// Memory of the operations: TensorFlow's handles, a pool for large results, scratch.
#pragma once

#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace scanline {

struct StatusDeleter { void operator()(TF_Status* s) const { TF_DeleteStatus(s); } };
struct TensorDeleter { void operator()(TF_Tensor* t) const { TF_DeleteTensor(t); } };
using Status = std::unique_ptr<TF_Status, StatusDeleter>;
using Tensor = std::unique_ptr<TF_Tensor, TensorDeleter>;

// Memory of large results. What TensorFlow frees comes back here and serves the next call, since
// fresh pages cost as much time as a tenth of the arithmetic. Each operation has a pool of its own;
// results that are still held keep it alive.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  ~Pool() {
    for (auto& block : spare_) free(block.first);
  }

  // A tensor of `bytes` in a piece of `capacity` bytes, which is what the next call looks for.
  TF_Tensor* tensor(TF_DataType type, const std::vector<int64_t>& dims, size_t bytes, size_t capacity) {
    void* at = nullptr;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (size_t i = 0; i < spare_.size() && !at; i++)
        if (spare_[i].second == capacity) {
          at = spare_[i].first;
          spare_.erase(spare_.begin() + i);
        }
      if (!at)  // of another size: given back before more is taken
        for (; !spare_.empty(); spare_.pop_back()) free(spare_.back().first);
    }
    constexpr size_t page = 1 << 21;
    if (!at) {
      if (posix_memalign(&at, page, capacity)) throw std::bad_alloc();
#if defined(__linux__)
      madvise(at, capacity / page * page, MADV_HUGEPAGE);
#endif
    }
    auto* loan = new Loan{shared_from_this(), capacity};
    return TF_NewTensor(type, dims.data(), int(dims.size()), at, bytes, give_back, loan);
  }

 private:
  struct Loan {
    std::shared_ptr<Pool> pool;
    size_t capacity;
  };
  static void give_back(void* at, size_t, void* argument) {
    std::unique_ptr<Loan> loan(static_cast<Loan*>(argument));
    std::lock_guard<std::mutex> lock(loan->pool->mutex_);
    if (loan->pool->spare_.size() < 4) loan->pool->spare_.emplace_back(at, loan->capacity);
    else free(at);
  }
  std::mutex mutex_;
  std::vector<std::pair<void*, size_t>> spare_;
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

}  // namespace scanline
