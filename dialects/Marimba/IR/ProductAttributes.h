//===- ProductAttributes.h - What is known of a product ---------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_DIALECTS_MARIMBA_IR_PRODUCTATTRIBUTES_H
#define MARIMBA_DIALECTS_MARIMBA_IR_PRODUCTATTRIBUTES_H

#include "llvm/ADT/StringRef.h"

namespace mlir::marimba {

/// linalg.generic, a product of matrices: its first factor is 0 above the
/// diagonal, and those elements may be left out. A unit.
inline constexpr llvm::StringLiteral kLowerTriangularAttr =
    "marimba.lower_triangular";

/// marimba.linear with a quantised weight: what it multiplies is not rounded to
/// bytes, as a recurrence multiplies up what comes out
/// (formats::staysUnquantized). A unit.
inline constexpr llvm::StringLiteral kExactProductsAttr =
    "marimba.exact_products";

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_PRODUCTATTRIBUTES_H
