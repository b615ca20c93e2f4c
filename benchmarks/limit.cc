// The rate at which a core multiplies and adds, in registers alone: no product of matrices is faster.
//
// limit float32|bfloat16 SECONDS prints "ready", waits for a line, and prints operations/s and a zero
// in place of the memory. Each sum waits for itself only, so the pipelines are always full. Without an
// instruction for pairs of bfloat16 the rate is float32's.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__AVX512F__)
#include <immintrin.h>
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
typedef float V __attribute__((vector_size(4 * kLanes)));

// sum * a + b is one instruction where the processor has one (-ffp-contract=fast).
struct Float32 {
  static constexpr double kOperations = 2 * kLanes;
  V a = V{} + 0.5f, b = V{} + 1.0f;
  V operator()(V sum) const { return sum * a + b; }
};

#if defined(__AVX512BF16__)
struct Bfloat16 {
  static constexpr double kOperations = 4 * kLanes;
  __m512bh one = (__m512bh)_mm512_set1_epi16(0x3f80);
  V operator()(V sum) const { return (V)_mm512_dpbf16_ps((__m512)sum, one, one); }
};
#else
typedef Float32 Bfloat16;
#endif

template <class Product> double operations_a_second(double seconds) {
  constexpr long kRounds = 100000, kSums = 12;
  const Product next;
  V s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{}, s8{}, s9{}, s10{}, s11{};
  const auto begin = std::chrono::steady_clock::now();
  double done = 0, passed = 0;
  do {
    for (long i = 0; i < kRounds; i++) {
      s0 = next(s0), s1 = next(s1), s2 = next(s2), s3 = next(s3), s4 = next(s4), s5 = next(s5);
      s6 = next(s6), s7 = next(s7), s8 = next(s8), s9 = next(s9), s10 = next(s10), s11 = next(s11);
    }
    done += kRounds * kSums * Product::kOperations;
    passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  } while (passed < seconds);
  const V total = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;
  volatile float kept = total[0];  // so that the compiler leaves nothing out
  (void)kept;
  return done / passed;
}

int main(int count, char** given) {
  if (count != 3) return 2;
  const double seconds = std::atof(given[2]);
  std::puts("ready");
  std::fflush(stdout);
  std::getchar();
  const bool bfloat16 = std::strcmp(given[1], "bfloat16") == 0;
  std::printf("%.6g 0\n", bfloat16 ? operations_a_second<Bfloat16>(seconds) : operations_a_second<Float32>(seconds));
}
