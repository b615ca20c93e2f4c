// The choice among the forms of the core. Not for recurrent.cc, which may include nothing of the
// standard library.
#pragma once

#include <cstring>

#include "recurrent.h"

namespace scanline {

template <class F>
const Form<F>* choose(const Form<float>* form32, const Form<double>* form64) {
  if constexpr (sizeof(F) == 4) return form32;
  else return form64;
}

// The fastest form that this processor runs, or the one that is named; null for a name that it does
// not run.
template <class F>
const Form<F>* find_form(const char* name) {
  const bool any = !name || !*name;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (has_avx512 && (any || !strcmp(name, "avx512"))) return choose<F>(&avx512::form32, &avx512::form64);
  if (has_avx2 && (any || !strcmp(name, "avx2"))) return choose<F>(&avx2::form32, &avx2::form64);
#endif
  if (any || !strcmp(name, "plain")) return choose<F>(&plain::form32, &plain::form64);
  return nullptr;
}

}  // namespace scanline
