//===- Number.cpp - Options that take a number ----------------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/marimba/Number.h"
#include "tools/marimba/Driver.h"

using namespace marimba;
using namespace marimba::driver;
using namespace llvm;

template <typename T>
Number<T>::Number(cl::SubCommand &sub, StringRef name, StringRef description,
                  StringRef value, Bounds<T> bounds, T init)
    : cl::opt<T, false, cl::parser<ParsedNumber<T>>>(
          name, cl::desc(description), cl::value_desc(value), cl::init(init),
          cl::sub(sub), cl::cat(category())),
      help((description + "; " + bounds.text()).str()) {
  this->getParser().bounds = bounds;
  this->setDescription(help);
}

namespace marimba::driver {
template struct Number<int>;
template struct Number<unsigned>;
template struct Number<int64_t>;
template struct Number<uint64_t>;
template struct Number<double>;
} // namespace marimba::driver
