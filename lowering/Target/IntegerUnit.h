//===- IntegerUnit.h - What multiplies bytes --------------------*- C++ -*-===//
//
// Part of Marimba. A fact of the machine, as an option of pipelines and passes.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_TARGET_INTEGERUNIT_H
#define MARIMBA_LOWERING_TARGET_INTEGERUNIT_H

#include "mlir/Pass/PassOptions.h"

namespace mlir::marimba {

/// The instruction that multiplies unsigned by signed bytes: none; vpmaddubsw,
/// which adds two products in 16 bits (AVX2, AVX512-BW); vpdpbusd, four in 32
/// (AVX-VNNI, AVX512-VNNI).
enum class IntegerUnit { None, MAddUBS, VNNI };

/// Their names on command lines.
inline llvm::cl::ValuesClass integerUnitNames() {
  return llvm::cl::values(
      clEnumValN(IntegerUnit::None, "none", "no products of bytes (default)"),
      clEnumValN(IntegerUnit::MAddUBS, "maddubs", "vpmaddubsw"),
      clEnumValN(IntegerUnit::VNNI, "vnni", "vpdpbusd"));
}

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_TARGET_INTEGERUNIT_H
