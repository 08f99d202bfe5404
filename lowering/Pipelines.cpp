//===- Pipelines.cpp - The order of things ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Pipelines.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/Transforms/BufferizableOpInterfaceImpl.h"
#include "dialects/OneDNN/IR/OneDNN.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/Passes.h"
#include "passes/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/TilingInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorTilingInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

static void buildFuse(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  if (options.checks) {
    func.addPass(createInsertChecks());
    addCleanup(pm);
  }
  if (options.reference || !options.fuseScan)
    return;
  func.addPass(createFuseDiscretizeScan());
  addCleanup(pm);
}

static void buildSpecialize(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createSpecializeDecode());
  // Behind the copy for one token: which form is cheaper depends on time.
  if (!options.reference && options.ltiForm != LTIForm::AsWritten) {
    ChooseLtiFormOptions choice;
    if (options.ltiForm != LTIForm::Cheapest)
      choice.form =
          options.ltiForm == LTIForm::Recurrence ? "recurrence" : "convolution";
    pm.addNestedPass<func::FuncOp>(createChooseLtiForm(choice));
  }
  addCleanup(pm);
}

/// Elements of a weight from which on a call of the library beats loops for one
/// row (docs/results.md).
static constexpr int64_t kSmallestCall = 1 << 15;

/// Rows up to which quantised weights are multiplied as they are: unpacking
/// them for each four rows costs less than widening them once.
static constexpr int64_t kFewRows = 8;

static void buildKernels(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createDecomposeExperts());
  if (options.bf16)
    func.addPass(createNarrowProjections());
  bool library = !options.reference && options.matmul == MatmulRoute::OneDNN;
  bool integers = options.multipliesBytes();
  if (options.prefillsInBytes())
    func.addPass(createMultiplyIntegers());
  func.addPass(createChooseQuantizedKernels({library, integers}));
  if (library) {
    func.addPass(createConvertMarimbaToOneDNN(
        {options.bf16Dots, kSmallestCall,
         /*streams=*/options.libraryBlocks && options.vectorBits >= 512}));
    func.addPass(createFuseMatmulPostOps());
    func.addPass(
        createWidenQuantizedWeights({/*channels=*/512, kFewRows, integers}));
  }
  func.addPass(createConvertMarimbaToLinalg());
  if (options.bf16 && !options.reference)
    func.addPass(
        createFuseConversions({/*reorder=*/library && options.bf16Dots}));
  func.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createQuantizedAsBytes());
  // No CSE here: sums that share one zero-filled tensor would each copy it.
  pm.addPass(createCanonicalizerPass());
}

static void buildTile(OpPassManager &pm, const PipelineOptions &options) {
  if (options.reference)
    return;
  int64_t threads = options.threads, lanes = options.vectorBits / 32;
  pm.addNestedPass<func::FuncOp>(createParallelizeScanInTime({threads, lanes}));
  TileRecurrencesOptions tiles;
  tiles.threads = threads;
  tiles.lanes = lanes;
  pm.addNestedPass<func::FuncOp>(createTileRecurrences(tiles));
  pm.addPass(createCanonicalizerPass());
}

static void buildBufferize(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createBufferizeModel());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createStackScratch());
}

static void buildContext(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createAddRuntimeContext({options.checks}));
  pm.addPass(createTableLayerArguments());
  if (options.profile) // each op is in its final nest, and has its name yet
    pm.addPass(createProfileRegions());
}

static void buildLoops(OpPassManager &pm, const PipelineOptions &options) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  if (!options.reference) {
    func.addPass(createConvertMarimbaToVector(
        {options.vectorBits, options.threads, options.integerDots}));
    func.addPass(createVectorizeLinalg({options.vectorBits}));
  }
  func.addPass(createConvertMarimbaToLoops());
  func.addPass(createConvertLinalgToLoopsPass());
  func.addPass(createForallToParallelLoopPass());
  pm.addPass(createLowerAffinePass());
  if (!options.reference)
    func.addPass(createApproximateMath());
  addCleanup(pm);
}

static void buildOutline(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createOutlineParallelLoops());
  addCleanup(pm);
}

static void buildLLVM(OpPassManager &pm, const PipelineOptions &options) {
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
  if (options.reference) // would call libm once for each lane of a vector
    pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertRuntimeToLLVM());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createBFloat16AsBits());
  addCleanup(pm);
}

ArrayRef<Stage> mlir::marimba::stages() {
  static const Stage all[] = {
      {"fuse", "state-space layers become one op each", buildFuse},
      {"specialize", "a second entry for one token a row", buildSpecialize},
      {"kernels",
       "projections to oneDNN or linalg, experts grouped, the rest "
       "to linalg",
       buildKernels},
      {"tile", "one loop nest around each recurrence", buildTile},
      {"bufferize", "tensors become memory, states in place", buildBufferize},
      {"context", "entries of the ABI, scratch from the arena", buildContext},
      {"loops", "kernels become vector loops", buildLoops},
      {"outline", "parallel loops become calls of the thread team",
       buildOutline},
      {"llvm", "everything becomes the LLVM dialect", buildLLVM},
  };
  return all;
}

LogicalResult mlir::marimba::runStages(
    ModuleOp module, const PipelineOptions &options, llvm::StringRef stopAfter,
    llvm::function_ref<LogicalResult(unsigned, llvm::StringRef)> afterStage,
    llvm::StringRef firstStage) {
  auto finished = [&](unsigned index, StringRef name) {
    return afterStage ? afterStage(index, name) : success();
  };
  bool running = firstStage.empty();
  if (running && failed(finished(0, "import")))
    return failure();
  if (stopAfter == "import")
    return success();
  for (auto [index, stage] : llvm::enumerate(stages())) {
    running |= stage.name == firstStage;
    if (!running)
      continue;
    PassManager pm(module.getContext(), ModuleOp::getOperationName());
    stage.build(pm, options);
    if (failed(pm.run(module)) || failed(finished(index + 1, stage.name)))
      return failure();
    if (stage.name == stopAfter)
      return success();
  }
  return success(running);
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void mlir::marimba::registerPipelineDialects(DialectRegistry &registry) {
  registry
      .insert<MarimbaDialect, onednn::OneDNNDialect, rt::RuntimeDialect,
              arith::ArithDialect, bufferization::BufferizationDialect,
              cf::ControlFlowDialect, func::FuncDialect, linalg::LinalgDialect,
              math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
              tensor::TensorDialect, vector::VectorDialect>();
  registerBufferizableOpInterfaceExternalModels(registry);
  affine::registerValueBoundsOpInterfaceExternalModels(registry);
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  arith::registerValueBoundsOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  linalg::registerTilingInterfaceExternalModels(registry);
  linalg::registerValueBoundsOpInterfaceExternalModels(registry);
  memref::registerValueBoundsOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerValueBoundsOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  tensor::registerTilingInterfaceExternalModels(registry);
  tensor::registerValueBoundsOpInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

/// The options of a pipeline as marimba-opt spells them.
namespace {
struct StageOptions : PassPipelineOptions<StageOptions> {
  Option<bool> reference{*this, "reference",
                         llvm::cl::desc("plain loops, nothing fused")};
  Option<bool> loops{*this, "matmul-loops",
                     llvm::cl::desc("projections as generated loops")};
  Option<bool> bf16{*this, "bf16", llvm::cl::desc("projections multiply bf16")};
  Option<bool> bf16Dots{*this, "bf16-dots",
                        llvm::cl::desc("the target multiplies bf16")};
  Option<bool> integerDots{*this, "integer-dots",
                           llvm::cl::desc("the target multiplies bytes")};
  Option<unsigned> vectorBits{*this, "vector-bits",
                              llvm::cl::desc("width of a vector register"),
                              llvm::cl::init(512)};
  Option<unsigned> threads{*this, "threads",
                           llvm::cl::desc("threads that the code will run on"),
                           llvm::cl::init(1)};
  Option<bool> profile{*this, "profile",
                       llvm::cl::desc("measures each op of a layer")};
  Option<bool> checks{*this, "checks",
                      llvm::cl::desc("checks sizes and indices")};

  PipelineOptions get() const {
    PipelineOptions options;
    options.reference = reference;
    options.matmul = loops ? MatmulRoute::Loops : MatmulRoute::OneDNN;
    options.bf16 = bf16;
    options.bf16Dots = bf16Dots;
    options.integerDots = integerDots;
    options.vectorBits = vectorBits;
    options.threads = threads;
    options.profile = profile;
    options.checks = checks;
    return options;
  }
};
} // namespace

void mlir::marimba::registerPipelines() {
  for (const Stage &stage : stages())
    PassPipelineRegistration<StageOptions>(
        ("marimba-stage-" + stage.name).str(), stage.summary,
        [&stage](OpPassManager &pm, const StageOptions &options) {
          stage.build(pm, options.get());
        });
}
