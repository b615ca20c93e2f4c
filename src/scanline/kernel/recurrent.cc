// One form of the recurrent core; compiled once an instruction set, with SCANLINE_FORM naming it.
// Only this file and what it includes is compiled for the instruction set: no inline function of the
// standard library may come from here, or the linker could give it to code that runs everywhere.
#include "passes.h"

namespace scanline {
namespace SCANLINE_FORM {
namespace {

template <class F>
constexpr Form<F> form(const char* name) {
  return {name, forward_weights_size<F>, backward_weights_size<F>, forward_scratch_size<F>,
          backward_scratch_size<F>, pack_forward<F>, pack_backward<F>, forward<F>, backward<F>};
}

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

}  // namespace

const Form<float> form32 = form<float>(TEXT(SCANLINE_FORM));
const Form<double> form64 = form<double>(TEXT(SCANLINE_FORM));

}  // namespace SCANLINE_FORM
}  // namespace scanline
