// The choice among the forms of the core. Not for recurrent.cc, which may include nothing of the
// standard library.
#pragma once

#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "recurrent.h"

namespace scanline {

template <class F>
const Form<F>* choose(Precision precision, const Form<float>* form32, const Form<float>* form16,
                      const Form<double>* form64) {
  if constexpr (sizeof(F) == 8) return form64;
  else return precision == Precision::bfloat16 ? form16 : form32;
}

#if defined(__x86_64__)
// What this processor has and the operating system keeps for it. __builtin_cpu_supports, which would
// be shorter, denies everything when zig compiles it.
struct Processor {
  bool avx2 = false, avx512 = false, bfloat16 = false;

  Processor() {
    unsigned a, b, c, d, kept = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return;
    const bool fma = c & bit_FMA;
    __asm__("xgetbv" : "=a"(kept), "=d"(d) : "c"(0));  // registers that a change of task keeps
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    const unsigned all = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // AVX512 F, DQ, BW, VL
    avx2 = fma && (b & bit_AVX2) && (kept & 0x6) == 0x6;
    avx512 = avx2 && (b & all) == all && (kept & 0xe6) == 0xe6;
    bfloat16 = avx512 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5);
  }
};
#endif

// The fastest form that this processor runs, or the one that is named; null for a name that it does
// not run. avx512bf16 differs from avx512 in its products of bfloat16 alone.
template <class F>
const Form<F>* find_form(const char* name, Precision precision) {
  const bool any = !name || !*name;
  const auto wanted = [&](const char* form) { return any || !strcmp(name, form); };
#if defined(__x86_64__)
  static const Processor processor;  // asking takes a virtual machine microseconds
  if (processor.bfloat16 && wanted("avx512bf16"))
    return choose<F>(precision, &avx512::form32, &avx512bf16::form16, &avx512::form64);
  if (processor.avx512 && wanted("avx512"))
    return choose<F>(precision, &avx512::form32, &avx512::form16, &avx512::form64);
  if (processor.avx2 && wanted("avx2")) return choose<F>(precision, &avx2::form32, &avx2::form16, &avx2::form64);
#endif
  if (wanted("plain")) return choose<F>(precision, &plain::form32, &plain::form16, &plain::form64);
  return nullptr;
}

}  // namespace scanline
