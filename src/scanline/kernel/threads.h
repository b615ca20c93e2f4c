// Sharing out blocks of work to threads.
#pragma once

#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace scanline {

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

}  // namespace scanline
