//===- UsedPasses.h - MLIR's own passes in our stages -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_USEDPASSES_H
#define MARIMBA_LOWERING_USEDPASSES_H

namespace mlir::marimba {

/// Makes MLIR's own passes known by name that the stages run: all of MLIR's
/// would bring code generators of every processor into a program.
void registerUsedPasses();

} // namespace mlir::marimba

#endif // MARIMBA_LOWERING_USEDPASSES_H
