//===- UsedPasses.cpp - MLIR's own passes in our stages -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/UsedPasses.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void mlir::marimba::registerUsedPasses() {
  registerPass([] { return createCanonicalizerPass(); });
  registerPass([] { return createCSEPass(); });
  registerPass([] { return createConvertElementwiseToLinalgPass(); });
  registerPass([] { return createConvertLinalgToLoopsPass(); });
  registerPass([] { return createForallToParallelLoopPass(); });
  registerPass([] { return createLowerAffinePass(); });
  registerPass([] { return createConvertVectorToSCFPass(); });
  registerPass([] { return memref::createExpandStridedMetadataPass(); });
  registerPass([] { return createSCFToControlFlowPass(); });
  registerPass([] { return arith::createArithExpandOpsPass(); });
  registerPass([] { return createConvertVectorToLLVMPass(); });
  registerPass([] { return createConvertMathToLibmPass(); });
  registerPass([] { return createReconcileUnrealizedCastsPass(); });
}
