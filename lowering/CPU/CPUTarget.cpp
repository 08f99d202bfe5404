//===- CPUTarget.cpp - Vector units and oneDNN ------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/CPU/CPUTarget.h"

#include "dialects/OneDNN/IR/OneDNN.h"
#include "lowering/CPU/Passes.h"
#include "lowering/Common/Passes.h"
#include "passes/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::marimba;

/// Elements of a weight from which on a call of the library beats loops for one
/// row (docs/results.md).
static constexpr int64_t kSmallestCall = 1 << 15;

/// Rows up to which quantised weights are multiplied as they are: unpacking
/// them for each four rows costs less than widening them once.
static constexpr int64_t kFewRows = 8;

/// Channels of a weight that are widened at a time.
static constexpr int64_t kWidenedChannels = 512;

void CPUTarget::addFacts(const TargetOptions &machine,
                         PipelineOptions &options) const {
  unsigned widest = preferredVectorBits(machine);
  if (!options.vectorBits.hasValue())
    options.vectorBits = widest;
  options.bf16Dots = hasBF16Dots(machine);
  options.integerUnit = integerUnitOf(machine);
  options.tiles = hasTiles(machine);
  options.byteTables = hasByteTables(machine);
  options.matmulUnit = matmulUnit(processorFeatures(machine)).str();
  // Where the library may use all that there is.
  options.libraryBlocks = widest >= 512;
  options.libraryBytes =
      options.libraryBlocks && options.integerUnit == IntegerUnit::VNNI;
}

void CPUTarget::registerDialects(DialectRegistry &registry) const {
  registry.insert<amx::AMXDialect, onednn::OneDNNDialect>();
}

void CPUTarget::registerPasses() const { registerMarimbaCPULoweringPasses(); }

void CPUTarget::buildFuse(OpPassManager &pm,
                          const PipelineOptions &options) const {
  OpPassManager &func = pm.nest<func::FuncOp>();
  if (options.checks)
    func.addPass(createInsertChecks());
  if (options.fuseScan) {
    func.addPass(createFuseDiscretizeScan());
    func.addPass(createFuseDiscretizeLinearAttention());
  }
  if (options.checks || options.fuseScan)
    addCleanup(pm);
}

void CPUTarget::buildSpecialize(OpPassManager &pm,
                                const PipelineOptions &options) const {
  pm.addPass(createSpecializeDecode());
  // Behind the copy for one token: which form is cheaper depends on time.
  if (options.ltiForm != LTIForm::AsWritten) {
    ChooseLtiFormOptions choice;
    if (options.ltiForm != LTIForm::Cheapest)
      choice.form =
          options.ltiForm == LTIForm::Recurrence ? "recurrence" : "convolution";
    pm.addNestedPass<func::FuncOp>(createChooseLtiForm(choice));
  }
  addCleanup(pm);
}

void CPUTarget::buildKernels(OpPassManager &pm,
                             const PipelineOptions &options) const {
  OpPassManager &func = pm.nest<func::FuncOp>();
  if (std::optional<int64_t> fewest = options.fewestGroupedExperts())
    func.addPass(createGroupExperts({*fewest}));
  func.addPass(createDecomposeExperts());
  bool bf16Prompts = options.prefillsInBF16();
  if (options.bf16 || bf16Prompts)
    func.addPass(createNarrowProjections({/*forBytes=*/!options.bf16}));
  bool library = options.matmul == MatmulRoute::OneDNN;
  bool generated = options.generates();
  bool integers = options.multipliesBytes();
  if (options.prefillsInBytes())
    func.addPass(createMultiplyIntegers());
  func.addPass(createChooseQuantizedKernels(
      {library, integers, options.prefillsInGroups(), options.prefillsInTiles(),
       library || bf16Prompts || (options.tiles && options.bf16)}));
  if (library || generated) {
    func.addPass(createConvertMarimbaToOneDNN(
        {options.bf16Dots, kSmallestCall,
         /*streams=*/options.libraryBlocks && options.vectorBits >= 512,
         generated, options.matmul == MatmulRoute::Automatic,
         options.matmulUnit, options.matmulTable}));
    func.addPass(createFuseMatmulPostOps());
  }
  if (library)
    func.addPass(
        createWidenQuantizedWeights({kWidenedChannels, kFewRows, integers}));
  if (library || generated)
    pm.addPass(createReadPackedRows());
  OpPassManager &rest = pm.nest<func::FuncOp>();
  rest.addPass(createConvertMarimbaToLinalg());
  if (options.bf16 || bf16Prompts)
    rest.addPass(
        createFuseConversions({/*reorder=*/library && options.bf16Dots}));
  rest.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createQuantizedAsBytes());
  // No CSE here: sums that share one zero-filled tensor would each copy it.
  addCanonicalizer(pm);
}

void CPUTarget::buildTile(OpPassManager &pm,
                          const PipelineOptions &options) const {
  int64_t threads = options.threads, lanes = options.vectorBits / 32;
  pm.addNestedPass<func::FuncOp>(createParallelizeScanInTime({threads, lanes}));
  pm.addNestedPass<func::FuncOp>(createExpandHeads());
  TileRecurrencesOptions tiles;
  tiles.threads = threads;
  tiles.lanes = lanes;
  tiles.chunk = options.linearAttentionChunk;
  pm.addNestedPass<func::FuncOp>(createTileRecurrences(tiles));
  if (options.linearAttention != LinearAttentionForm::Recurrent) {
    DecomposeLinearAttentionOptions chunks;
    chunks.chunk = options.linearAttentionChunk;
    chunks.bf16 = options.bf16 && options.bf16Dots;
    chunks.always = options.linearAttention == LinearAttentionForm::Chunked;
    chunks.lanes = lanes;
    pm.addNestedPass<func::FuncOp>(createDecomposeLinearAttention(chunks));
  }
  addCanonicalizer(pm);
}

void CPUTarget::buildLoops(OpPassManager &pm,
                           const PipelineOptions &options) const {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createConvertMarimbaToVector(
      {options.vectorBits, options.threads, options.integerUnit, options.tiles,
       options.bf16Dots, options.byteTables}));
  func.addPass(createVectorizeLinalg({options.vectorBits, options.bf16Dots}));
  addScalarLoops(func);
  func.addPass(createApproximateMath());
  pm.addPass(createLowerAffinePass());
  addCleanup(pm);
}
