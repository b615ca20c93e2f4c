// One form of the recurrent core; compiled once an instruction set, with SCANLINE_FORM naming it.
// Only this file and what it includes is compiled for the instruction set: no inline function of the
// standard library may come from here, or the linker could give it to code that runs everywhere.
#include "passes.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

template <class E>
constexpr Form<Sum<E>> form(const char* name, const char* products) {
  return {name, products, sizeof(Kept<E>), forward_weights_size<E>, backward_weights_size<E>, forward_scratch_size<E>,
          backward_scratch_size<E>, pack_forward_weights<E>, pack_backward_weights<E>, forward<E>, backward<E>};
}

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

}  // namespace

#if defined(__AMX_BF16__)
const Form<float> form16 = form<Bfloat16>(TEXT(SCANLINE_FORM), "tdpbf16ps");
#elif defined(__AVX512BF16__)
const Form<float> form16 = form<Bfloat16>(TEXT(SCANLINE_FORM), "vdpbf16ps");
#else
const Form<float> form32 = form<float>(TEXT(SCANLINE_FORM), "float32");
const Form<float> form16 = form<Bfloat16>(TEXT(SCANLINE_FORM), "float32, operands rounded to bfloat16");
const Form<double> form64 = form<double>(TEXT(SCANLINE_FORM), "float64");
#endif

}  // namespace SCANLINE_FORM
}  // namespace scanline
