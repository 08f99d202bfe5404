//===- ReferenceTarget.cpp - Slow and plain ---------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Reference/ReferenceTarget.h"

#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::marimba;

/// Whatever the machine has is not used.
void ReferenceTarget::addFacts(const TargetOptions &machine,
                               PipelineOptions &options) const {
  if (!options.vectorBits.hasValue())
    options.vectorBits = 32;
  options.matmul = MatmulRoute::Loops;
  options.bf16Dots = options.tiles = options.byteTables = false;
  options.integerUnit = IntegerUnit::None;
  options.libraryBytes = options.libraryBlocks = false;
}

void ReferenceTarget::buildLLVM(OpPassManager &pm,
                                const PipelineOptions &options) const {
  addBranches(pm, options);
  // Would call once for each lane of a vector; there is none.
  pm.addPass(createConvertMathToLibmPass());
  addLLVM(pm);
}
