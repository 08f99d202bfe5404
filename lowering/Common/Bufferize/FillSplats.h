//===- FillSplats.h - Large constants of one value --------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_COMMON_BUFFERIZE_FILLSPLATS_H
#define MARIMBA_LOWERING_COMMON_BUFFERIZE_FILLSPLATS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::marimba {

/// Makes a linalg.fill of each constant tensor of one value that has more than
/// 16 KiB: as a constant it would be in the object file element by element.
void fillSplats(func::FuncOp func);

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_COMMON_BUFFERIZE_FILLSPLATS_H
