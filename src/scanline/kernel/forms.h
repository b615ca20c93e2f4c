// The choice among the forms of the core. Not for recurrent.cc, which may include nothing of the
// standard library.
#pragma once

#include <cstring>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
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
  bool avx2 = false, avx512 = false, bfloat16 = false, tiles = false, keeps_tiles = false;

  Processor() {
    unsigned a, b, c, d, kept = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return;
    const bool fma = c & bit_FMA;
    __asm__("xgetbv" : "=a"(kept), "=d"(d) : "c"(0));  // registers that a change of task keeps
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    const unsigned all = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // AVX512 F, DQ, BW, VL
    tiles = d & 1u << 22 && d & 1u << 24;  // AMX-BF16, AMX-TILE
    keeps_tiles = (kept & 0x60000) == 0x60000;
    avx2 = fma && (b & bit_AVX2) && (kept & 0x6) == 0x6;
    avx512 = avx2 && (b & all) == all && (kept & 0xe6) == 0xe6;
    bfloat16 = avx512 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5);
  }
};

inline const Processor& processor() {  // asking takes a virtual machine microseconds
  static const Processor asked;
  return asked;
}

// What keeps this process from tiles, which Linux keeps for those alone that ask for them; null: nothing.
inline const char* lack_of_tiles() {
  if (!&amxbf16::form16) return "the compiler that built the core has no AMX";
  if (!processor().tiles || !processor().bfloat16) return "it has no AMX-TILE, AMX-BF16 and AVX512-BF16";
  if (!processor().keeps_tiles) return "the operating system keeps no tiles";
#if defined(__linux__)
  constexpr long ask = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, for the whole process
  static const bool granted = syscall(SYS_arch_prctl, ask, tile_data) == 0;
  if (granted) return nullptr;
#endif
  return "the operating system does not permit tiles";
}
#endif

// The fastest form that this processor runs, or the one that is named; null for a name that it does
// not run. avx512bf16 and amxbf16 differ from avx512 in their products of bfloat16 alone.
template <class F>
const Form<F>* find_form(const char* name, Precision precision) {
  const bool any = !name || !*name;
  const auto wanted = [&](const char* form) { return any || !strcmp(name, form); };
#if defined(__x86_64__)
  const Processor& processor = scanline::processor();
  if (wanted("amxbf16") && !lack_of_tiles())
    return choose<F>(precision, &avx512::form32, &amxbf16::form16, &avx512::form64);
  if (processor.bfloat16 && wanted("avx512bf16"))
    return choose<F>(precision, &avx512::form32, &avx512bf16::form16, &avx512::form64);
  if (processor.avx512 && wanted("avx512"))
    return choose<F>(precision, &avx512::form32, &avx512::form16, &avx512::form64);
  if (processor.avx2 && wanted("avx2")) return choose<F>(precision, &avx2::form32, &avx2::form16, &avx2::form64);
#endif
  if (wanted("plain")) return choose<F>(precision, &plain::form32, &plain::form16, &plain::form64);
  return nullptr;
}

// Why find_form finds none of that name, in one line.
inline std::string why_none(const std::string& name) {
  std::string why = "SCANLINE_KERNEL_FORM is " + name + ", which this processor does not run";
#if defined(__x86_64__)
  if (name == "amxbf16") why += std::string(" (") + lack_of_tiles() + ")";
#endif
  return why + "; allowed, as far as it runs them: amxbf16, avx512bf16, avx512, avx2, plain";
}

}  // namespace scanline
