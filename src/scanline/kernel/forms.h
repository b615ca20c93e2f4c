// The choice among the forms of the core. Not for recurrent.cc, which may include nothing of the
// standard library.
#pragma once

#include <cstring>

#include "recurrent.h"

namespace scanline {

template <class F>
const Form<F>* choose(Precision precision, const Form<float>* form32, const Form<float>* form16,
                      const Form<double>* form64) {
  if constexpr (sizeof(F) == 8) return form64;
  else return precision == Precision::bfloat16 ? form16 : form32;
}

// The fastest form that this processor runs, or the one that is named; null for a name that it does
// not run. avx512bf16 differs from avx512 in its products of bfloat16 alone.
template <class F>
const Form<F>* find_form(const char* name, Precision precision) {
  const bool any = !name || !*name;
  const auto wanted = [&](const char* form) { return any || !strcmp(name, form); };
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  const bool has_bfloat16 = has_avx512 && __builtin_cpu_supports("avx512bf16");
  if (has_bfloat16 && wanted("avx512bf16"))
    return choose<F>(precision, &avx512::form32, &avx512bf16::form16, &avx512::form64);
  if (has_avx512 && wanted("avx512"))
    return choose<F>(precision, &avx512::form32, &avx512::form16, &avx512::form64);
  if (has_avx2 && wanted("avx2")) return choose<F>(precision, &avx2::form32, &avx2::form16, &avx2::form64);
#endif
  if (wanted("plain")) return choose<F>(precision, &plain::form32, &plain::form16, &plain::form64);
  return nullptr;
}

}  // namespace scanline
