//===- Codes.h - Values as 8-bit codes and a scale --------------*- C++ -*-===//
//
// Part of Marimba. value = code * scale, codes from -127 to 127.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUILDERS_CODES_H
#define MARIMBA_LOWERING_COMMON_BUILDERS_CODES_H

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Common/Builders/KernelBuilder.h"

namespace mlir::marimba {

/// A scale, f32, and what values are multiplied by to become codes.
struct CodeScale {
  Value scale, inverse;
};

/// The scale of values whose largest magnitude is `most`, which becomes code
/// 127. The scale is 0 where it would be subnormal; NaN and infinity stay.
CodeScale codeScaleFor(KernelBuilder &b, Value most);

/// x * inverse rounded to nearest even, -127 to 127, as i32 or a vector of it.
/// A NaN becomes -127, and NaN again by its scale.
Value wideCodeOf(KernelBuilder &b, Value x, Value inverse);
/// The same as i8.
Value codeOf(KernelBuilder &b, Value x, Value inverse);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUILDERS_CODES_H
