// Vectors of the instruction set that a form is compiled for: loads, stores, sigmoid and tanh.
#pragma once

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

namespace scanline {
namespace SCANLINE_FORM {
namespace {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

template <class F> struct Simd;
template <> struct Simd<float> {
  typedef float V __attribute__((vector_size(kBytes)));
  typedef int I __attribute__((vector_size(kBytes)));
  typedef unsigned U __attribute__((vector_size(kBytes)));
  typedef short Half __attribute__((vector_size(kBytes / 2)));
  typedef short LooseHalf __attribute__((vector_size(kBytes / 2), aligned(2), may_alias));
  typedef float Loose __attribute__((vector_size(kBytes), aligned(4), may_alias));
};
template <> struct Simd<double> {
  typedef double V __attribute__((vector_size(kBytes)));
  typedef double Loose __attribute__((vector_size(kBytes), aligned(8), may_alias));
};
template <> struct Simd<unsigned> {
  typedef unsigned V __attribute__((vector_size(kBytes)));
  typedef unsigned Loose __attribute__((vector_size(kBytes), aligned(4), may_alias));
};
template <class F> using V = typename Simd<F>::V;
template <class F> constexpr long kLanes = kBytes / long(sizeof(F));

template <class F> INLINE V<F> load(const F* p) {
  return *reinterpret_cast<const typename Simd<F>::Loose*>(p);
}
template <class F> INLINE void store(F* p, V<F> v) {
  *reinterpret_cast<typename Simd<F>::Loose*>(p) = v;
}
template <class F> INLINE V<F> all(F value) { return value - V<F>{}; }
template <class F> INLINE void clear(F* p, long n) { __builtin_memset(p, 0, n * sizeof(F)); }

// Stores past the caches, for what is read again only after much else. ASSUME: p is aligned to the
// vector's size. Whoever streams calls flush() before others read.
#if defined(__AVX512F__)
INLINE void stream(float* p, V<float> v) { _mm512_stream_ps(p, v); }
INLINE void stream(double* p, V<double> v) { _mm512_stream_pd(p, v); }
INLINE void stream(short* p, Simd<float>::Half v) { _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)v); }
INLINE void flush() { _mm_sfence(); }
#elif defined(__AVX2__)
INLINE void stream(float* p, V<float> v) { _mm256_stream_ps(p, v); }
INLINE void stream(double* p, V<double> v) { _mm256_stream_pd(p, v); }
INLINE void stream(short* p, Simd<float>::Half v) { _mm_stream_si128(reinterpret_cast<__m128i*>(p), (__m128i)v); }
INLINE void flush() { _mm_sfence(); }
#else
INLINE void stream(float* p, V<float> v) { store<float>(p, v); }
INLINE void stream(double* p, V<double> v) { store<double>(p, v); }
INLINE void stream(short* p, Simd<float>::Half v) { *reinterpret_cast<Simd<float>::LooseHalf*>(p) = v; }
INLINE void flush() {}
#endif
template <class F> INLINE bool is_aligned(const F* p) { return (__UINTPTR_TYPE__)p % kBytes == 0; }

template <class F> INLINE F sum_of(V<F> v) {
  F sum = 0;
  for (long i = 0; i < kLanes<F>; i++) sum += v[i];
  return sum;
}
#if defined(__AVX512F__)
template <> inline float sum_of<float>(V<float> v) { return _mm512_reduce_add_ps(v); }
#endif

// Asks for n numbers, which are read soon, into the second-level cache.
template <class F> INLINE void prefetch(const F* p, long n) {
  constexpr long line = 64 / sizeof(F);
  for (long i = 0; i < n; i += line) __builtin_prefetch(p + i, 0, 2);
}

// 1 / v. ASSUME: v lies between 1 and 1e38, or is NaN.
INLINE V<float> reciprocal(V<float> v) {
#if defined(__AVX512F__)
  // Newton's step as a correction of the guess: so the reciprocal of 1 is 1.
  const V<float> guess = _mm512_maskz_rcp14_ps(0xffff, v);
  return _mm512_fmadd_ps(guess, _mm512_fnmadd_ps(v, guess, all(1.0f)), guess);
#else
  return 1.0f / v;
#endif
}

// 2^v to 2 units in the last place, v above 126 as 126: 2^n 2^f with f in [-1/2, 1/2], the polynomial
// fitted to 2^f for the smallest largest relative error with 2^0 = 1. NaN stays NaN.
INLINE V<float> power_of_two(V<float> v) {
#if defined(__AVX512F__)
  v = _mm512_min_ps(all(126.0f), v);  // of a number and NaN it gives the second
  const V<float> f = _mm512_maskz_reduce_ps(0xffff, v, 0);
#else
  v = v < -126.0f ? all(-126.0f) : v;
  v = v > 126.0f ? all(126.0f) : v;
  const V<float> rounded = v + 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const V<float> f = v - (rounded - 12582912.0f);
#endif
  V<float> p = 0.0013264727f * f + 0.0096715130f;
  p = p * f + 0.0555073358f;
  p = p * f + 0.2402224243f;
  p = p * f + 0.6931470037f;
  p = p * f + 1.0f;
#if defined(__AVX512F__)
  return _mm512_scalef_ps(p, v - f);
#else
  typedef typename Simd<float>::I I;
  return p * (V<float>)(((I)rounded << 23) + 0x3f800000);
#endif
}

INLINE V<float> sigmoid(V<float> v) { return reciprocal(1.0f + power_of_two(v * -1.44269504f)); }
// tanh v = m / (m + 2) with m = exp(2 v) - 1, to 3 units in the last place near 0 too: m = 2^n 2^f - 1 is
// summed up from 2^n - 1 and 2^n (2^f - 1), the latter a polynomial without a constant, fitted like 2^f.
// Up to m = 2^25, where tanh is 1 in float32, m + 2 is exact, so that no result lies beyond 1.
INLINE V<float> hyperbolic_tangent(V<float> v) {
  V<float> w = v * 2.88539008f;
#if defined(__AVX512F__)
  w = _mm512_min_ps(all(25.0f), w);  // of a number and NaN it gives the second
  const V<float> f = _mm512_maskz_reduce_ps(0xffff, w, 0);
  const V<float> power = _mm512_scalef_ps(all(1.0f), w - f);
#else
  w = w < -126.0f ? all(-126.0f) : w;
  w = w > 25.0f ? all(25.0f) : w;
  const V<float> rounded = w + 12582912.0f;
  const V<float> f = w - (rounded - 12582912.0f);
  const V<float> power = (V<float>)(((typename Simd<float>::I)rounded << 23) + 0x3f800000);
#endif
  V<float> p = 0.0001540351f * f + 0.0013390735f;
  p = p * f + 0.0096182376f;
  p = p * f + 0.0555035733f;
  p = p * f + 0.2402264923f;
  p = p * f + 0.6931471825f;
  const V<float> m = power * (p * f) + (power - 1.0f);
  return m * reciprocal(m + 2.0f);
}

INLINE V<double> sigmoid(V<double> v) {
  for (long i = 0; i < kLanes<double>; i++) v[i] = __builtin_exp(-v[i]);
  return 1.0 / (1.0 + v);
}
INLINE V<double> hyperbolic_tangent(V<double> v) {
  for (long i = 0; i < kLanes<double>; i++) v[i] = __builtin_tanh(v[i]);
  return v;
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
