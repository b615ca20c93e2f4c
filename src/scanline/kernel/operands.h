// What a product multiplies: numbers as they are, or rounded to bfloat16.
//
// E names the kind: float, double, or Bfloat16. Sum<E> is the type of sums and of all that surrounds a
// product; Unit<E> that of its operands in memory, which holds kDepth<E> numbers that follow each other
// along the depth: two bfloat16 where the processor multiplies such pairs, else one number. Without that
// instruction bfloat16 is a float whose lower half is zero.
//
// Operands arrive as Sum<E> and are rounded into `room`, which products of other kinds leave alone.
#pragma once

#include "recurrent.h"
#include "vectors.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

struct Bfloat16 {};

template <class E> struct Operand { typedef E Sum, Unit, Kept; static constexpr long kDepth = 1; };
#if defined(__AVX512BF16__)
template <> struct Operand<Bfloat16> { typedef float Sum; typedef unsigned Unit; typedef short Kept; static constexpr long kDepth = 2; };
#else
template <> struct Operand<Bfloat16> { typedef float Sum, Unit; typedef short Kept; static constexpr long kDepth = 1; };
#endif
template <class E> using Sum = typename Operand<E>::Sum;
template <class E> using Unit = typename Operand<E>::Unit;
template <class E> using Kept = typename Operand<E>::Kept;  // of a gate kept for the backward pass
template <class E> constexpr long kDepth = Operand<E>::kDepth;
template <class E> constexpr bool kRounded = false;
template <> constexpr bool kRounded<Bfloat16> = true;

template <class E> constexpr long units_of(long depth) { return (depth + kDepth<E> - 1) / kDepth<E>; }

// The bits of a number rounded to bfloat16, in the upper half; NaN stays NaN.
INLINE unsigned rounded_bits(float number) {
  unsigned bits;
  __builtin_memcpy(&bits, &number, 4);
  return number == number ? (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u : 0x7fc00000u;
}

// A unit of the numbers from p on, `step` apart, of which there are `left`; then zeros.
template <class E> INLINE Unit<E> unit_at(const Sum<E>* p, long step, long left) {
  if constexpr (!kRounded<E>) {
    return *p;
  } else if constexpr (kDepth<E> == 2) {
    return rounded_bits(*p) >> 16 | (left > 1 ? rounded_bits(p[step]) : 0);
  } else {
    const unsigned bits = rounded_bits(*p);
    float number;
    __builtin_memcpy(&number, &bits, 4);
    return number;
  }
}

// sum + the products of one unit with the others.
INLINE V<float> multiply_add(V<float> sum, V<float> a, V<float> b) { return sum + a * b; }
INLINE V<double> multiply_add(V<double> sum, V<double> a, V<double> b) { return sum + a * b; }
#if defined(__AVX512BF16__)
INLINE V<float> multiply_add(V<float> sum, V<unsigned> a, V<unsigned> b) {
  return (V<float>)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#endif

INLINE V<float> rounded(V<float> v) {
  typedef typename Simd<float>::U U;
  const U bits = (U)v;
  const U nearest = (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
  return v == v ? (V<float>)nearest : v;
}

// Rows of operands, `ld` units from one to the next.
template <class U> struct Rows { const U* at; long ld; };

// a [rows, depth] as the left operand of a product by rows. ASSUME: lda is a multiple of kPadding, and
// numbers of a up to the next even depth are finite.
template <class E>
INLINE Rows<Unit<E>> by_rows(Unit<E>* room, const Sum<E>* a, long lda, long rows, long depth) {
  if constexpr (!kRounded<E>) {
    return {a, lda};
  } else {
    const long ld = padded(depth) / kDepth<E>;
    for (long r = 0; r < rows; r++) {
      const float* from = a + r * lda;
      Unit<E>* to = room + r * ld;
      for (long k = 0; k < depth; k += kPadding) {
#if defined(__AVX512BF16__)
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + k / 2), (__m256i)_mm512_cvtneps_pbh((__m512)load<float>(from + k)));
#else
        for (long i = 0; i < kPadding; i += kLanes<float>) store<float>(to + k + i, rounded(load<float>(from + k + i)));
#endif
      }
    }
    return {room, ld};
  }
}

#if defined(__AVX512BF16__)
// A vector of each of two rows as units: number n of both.
INLINE V<unsigned> pairs(const float* first, const float* second) {
  const __m512i lower = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)load<float>(first)));
  const __m512i upper = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)load<float>(second)));
  return (V<unsigned>)_mm512_or_si512(lower, _mm512_slli_epi32(upper, 16));
}
#endif

// a [depth, columns] as an operand whose units go along its columns. ASSUME: depth is even, lda a
// multiple of kPadding.
template <class E>
INLINE Rows<Unit<E>> by_columns(Unit<E>*& room, const Sum<E>* a, long lda, long depth, long columns) {
  if constexpr (!kRounded<E>) {
    return {a, lda};
  } else {
    const long ld = odd_lines(columns);
    Unit<E>* to = room;
    room += units_of<E>(depth) * ld;
    const Rows<Unit<E>> result{to, ld};
#if defined(__AVX512BF16__)
    for (long k = 0; k < depth; k += 2, to += ld, a += 2 * lda)
      for (long n = 0; n < columns; n += kLanes<float>) store<unsigned>(to + n, pairs(a + n, a + lda + n));
#else
    for (long k = 0; k < depth; k++, to += ld, a += lda)
      for (long n = 0; n < columns; n += kLanes<float>) store<float>(to + n, rounded(load<float>(a + n)));
#endif
    return result;
  }
}

// ---- Gates that are kept for the backward pass. -----------------------------------------------
//
// Beside bfloat16 products they take 16 bits. A sigmoid's result g is kept as g or, above a half, as g - 1
// in half precision: so both g and 1 - g keep their relative accuracy, without which nothing would go back
// through a gate that is nearly open. A tangent is kept in steps of 1 / 32767, other numbers as bfloat16.

template <class E> INLINE void keep_gate(E* to, V<E> v) { stream(to, v); }
template <class E> INLINE void keep_tangent(E* to, V<E> v) { stream(to, v); }
template <class E> INLINE void keep_other(E* to, V<E> v) { stream(to, v); }

typedef Simd<float>::I Whole;
typedef Simd<float>::Half Half;
constexpr float kSteps = 32767;

INLINE Half load_half(const short* p) { return *reinterpret_cast<const Simd<float>::LooseHalf*>(p); }

INLINE void keep_gate(short* to, V<float> v) {
  v = v > 0.5f ? -(1.0f - v) : v;  // of 1 this is -0, which is told from 0 by its sign
#if defined(__AVX512F__)
  stream(to, (Half)_mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
#else
  // Half precision's exponents begin 112 above a float's; below 2^-14 it counts in steps of 2^-24. No
  // subnormal float may come into this: TensorFlow has the processor take them for zero.
  const Whole bits = (Whole)v & 0x7fffffff, rebased = bits - (112 << 23);
  const Whole normal = (rebased + 0xfff + (rebased >> 13 & 1)) >> 13;
  const Whole least = (Whole)((V<float>)bits * 0x1p24f + 8388608.0f) & 0x7fffff;
  const Whole half = bits < 0x38800000 ? least : normal;
  stream(to, __builtin_convertvector(half | ((Whole)v >> 16 & 0x8000), Half));
#endif
}
INLINE void keep_tangent(short* to, V<float> v) {
  const V<float> whole = v * kSteps + 12582912.0f;  // 1.5 * 2^23: the lower bits are the integer
  stream(to, __builtin_convertvector((Whole)whole, Half));
}
INLINE void keep_other(short* to, V<float> v) { stream(to, __builtin_convertvector((Whole)rounded(v) >> 16, Half)); }

template <class E> INLINE V<Sum<E>> kept_gate(const Kept<E>* from) {
  if constexpr (!kRounded<E>) {
    return load<Sum<E>>(from);
  } else {
    const Half half = load_half(from);
#if defined(__AVX512F__)
    const V<float> v = (V<float>)_mm512_cvtph_ps((__m256i)half);
    const __mmask16 above = _mm256_movepi16_mask((__m256i)half);
    return _mm512_mask_add_ps(v, above, v, all(1.0f));
#else
    const Whole bits = __builtin_convertvector(half, Whole), size = bits & 0x7fff;
    const V<float> least = __builtin_convertvector(size, V<float>) * 0x1p-24f;
    const V<float> v = size < 0x400 ? least : (V<float>)((size << 13) + (112 << 23));
    return bits < 0 ? 1.0f - v : v;
#endif
  }
}
template <class E> INLINE V<Sum<E>> kept_tangent(const Kept<E>* from) {
  if constexpr (!kRounded<E>) return load<Sum<E>>(from);
  else return __builtin_convertvector(__builtin_convertvector(load_half(from), Whole), V<float>) * (1 / kSteps);
}
template <class E> INLINE V<Sum<E>> kept_other(const Kept<E>* from) {
  if constexpr (!kRounded<E>) return load<Sum<E>>(from);
  else return (V<float>)(__builtin_convertvector(load_half(from), Whole) << 16);
}

}  // namespace
}  // namespace SCANLINE_FORM
}  // namespace scanline
