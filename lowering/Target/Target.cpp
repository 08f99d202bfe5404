//===- Target.cpp - What the stages of all targets do -----------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Target/Target.h"

#include "lowering/Common/Passes.h"
#include "passes/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::marimba;

void Target::addCanonicalizer(OpPassManager &pm) {
  // Until the last stage regions have one block each, and the patterns erase
  // dead ops: to simplify regions as well takes as long as all patterns.
  pm.addPass(createCanonicalizerPass(
      GreedyRewriteConfig().setRegionSimplificationLevel(
          GreedySimplifyRegionLevel::Disabled)));
}

void Target::addCleanup(OpPassManager &pm) {
  addCanonicalizer(pm);
  pm.addPass(createCSEPass());
}

void Target::addScalarLoops(OpPassManager &func) {
  func.addPass(createConvertMarimbaToLoops());
  func.addPass(createConvertLinalgToLoopsPass());
  func.addPass(createForallToParallelLoopPass());
}

void Target::buildFuse(OpPassManager &pm,
                       const PipelineOptions &options) const {
  if (!options.checks)
    return;
  pm.addNestedPass<func::FuncOp>(createInsertChecks());
  addCleanup(pm);
}

void Target::buildSpecialize(OpPassManager &pm,
                             const PipelineOptions &options) const {
  pm.addPass(createSpecializeDecode());
  addCleanup(pm);
}

void Target::buildKernels(OpPassManager &pm,
                          const PipelineOptions &options) const {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createDecomposeExperts());
  if (options.bf16)
    func.addPass(createNarrowProjections());
  func.addPass(
      createChooseQuantizedKernels({/*library=*/false, /*integers=*/false}));
  func.addPass(createConvertMarimbaToLinalg());
  func.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createQuantizedAsBytes());
  // No CSE here: sums that share one zero-filled tensor would each copy it.
  addCanonicalizer(pm);
}

void Target::buildBufferize(OpPassManager &pm,
                            const PipelineOptions &options) const {
  pm.addPass(createBufferizeModel());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createStackScratch());
}

void Target::buildContext(OpPassManager &pm,
                          const PipelineOptions &options) const {
  pm.addPass(createAddRuntimeContext({options.checks}));
  pm.addPass(createTableLayerArguments());
  if (options.profile) // each op is in its final nest, and has its name yet
    pm.addPass(createProfileRegions());
}

void Target::buildLoops(OpPassManager &pm,
                        const PipelineOptions &options) const {
  addScalarLoops(pm.nest<func::FuncOp>());
  pm.addPass(createLowerAffinePass());
  addCleanup(pm);
}

void Target::buildOutline(OpPassManager &pm,
                          const PipelineOptions &options) const {
  pm.addPass(createOutlineParallelLoops());
  addCleanup(pm);
  // With checks: where one fails nothing that follows may run.
  if (!options.checks)
    pm.addNestedPass<func::FuncOp>(createMergeParallelRegions());
}

void Target::addBranches(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  if (options.checks)
    pm.addPass(createBranchOnChecks());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  pm.addNestedPass<func::FuncOp>(arith::createArithExpandOpsPass(expand));
  pm.addPass(createConvertVectorToLLVMPass());
}

void Target::addLLVM(OpPassManager &pm) {
  pm.addPass(createConvertRuntimeToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createBFloat16AsBits());
  addCleanup(pm);
}

void Target::buildLLVM(OpPassManager &pm,
                       const PipelineOptions &options) const {
  addBranches(pm, options);
  addLLVM(pm);
}

llvm::Error Target::emit(ModuleOp module, EmitKind kind,
                         const TargetOptions &machine,
                         llvm::raw_pwrite_stream &os) const {
  return marimba::emit(module, kind, machine, os);
}
