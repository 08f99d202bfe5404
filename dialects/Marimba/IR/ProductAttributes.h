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

} // namespace mlir::marimba

#endif // MARIMBA_DIALECTS_MARIMBA_IR_PRODUCTATTRIBUTES_H
