//===- Pipelines.cpp - The order of things ----------------------*- C++ -*-===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "lowering/Pipelines.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "dialects/Marimba/Transforms/BufferizableOpInterfaceImpl.h"
#include "dialects/Runtime/IR/Runtime.h"
#include "lowering/CPU/CPUTarget.h"
#include "lowering/Common/Passes.h"
#include "lowering/Reference/ReferenceTarget.h"
#include "lowering/Target/Passes.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Affine/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/TilingInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorTilingInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::marimba;

//===----------------------------------------------------------------------===//
// Targets and stages
//===----------------------------------------------------------------------===//

ArrayRef<const Target *> mlir::marimba::targets() {
  static const CPUTarget cpu;
  static const ReferenceTarget reference;
  static const Target *const all[] = {&cpu, &reference};
  return all;
}

const Target *mlir::marimba::findTarget(StringRef name) {
  const auto *found = llvm::find_if(
      targets(), [&](const Target *target) { return target->name() == name; });
  return found == targets().end() ? nullptr : *found;
}

ArrayRef<Stage> mlir::marimba::stages() {
  static const Stage all[] = {
      {"fuse", "state-space layers become one op each", &Target::buildFuse},
      {"specialize", "a second entry, for one token per row",
       &Target::buildSpecialize},
      {"kernels",
       "projections to oneDNN or linalg, experts grouped, the rest "
       "to linalg",
       &Target::buildKernels},
      {"tile", "one loop nest around each recurrence", &Target::buildTile},
      {"bufferize", "tensors become memory, states in place",
       &Target::buildBufferize},
      {"context", "entries of the ABI, scratch from the arena",
       &Target::buildContext},
      {"loops", "kernels become vector loops", &Target::buildLoops},
      {"outline", "parallel loops become calls of the thread team",
       &Target::buildOutline},
      {"llvm", "everything becomes the LLVM dialect", &Target::buildLLVM},
  };
  return all;
}

std::optional<unsigned> mlir::marimba::stageNumber(StringRef name) {
  if (name == kImport)
    return 0;
  for (auto [index, stage] : llvm::enumerate(stages()))
    if (stage.name == name)
      return index + 1;
  return std::nullopt;
}

std::string mlir::marimba::noSuchTarget(StringRef name) {
  return "no target '" + name.str() + "'; the targets are " +
         llvm::join(
             llvm::map_range(targets(),
                             [](const Target *t) { return t->name().str(); }),
             ", ");
}

std::string mlir::marimba::noSuchStage(StringRef name) {
  std::string text =
      "no stage '" + name.str() + "'; the stages are " + kImport.str();
  for (const Stage &stage : stages())
    text += ", " + stage.name.str();
  return text;
}

//===----------------------------------------------------------------------===//
// Pipelines
//===----------------------------------------------------------------------===//

static void addEnd(OpPassManager &pm, StringRef stage) {
  pm.addPass(createEndStage({stage.str()}));
}

LogicalResult mlir::marimba::buildPipeline(
    OpPassManager &pm, const PipelineOptions &options,
    llvm::function_ref<void(const llvm::Twine &)> error) {
  const Target *target = findTarget(options.target);
  if (!target)
    return error(noSuchTarget(options.target)), failure();
  unsigned first = 0, last = stages().size();
  if (!options.firstStage.empty()) {
    first = stageNumber(options.firstStage).value_or(0);
    if (!first)
      return error(noSuchStage(options.firstStage)), failure();
  }
  if (!options.stopAfter.empty()) {
    std::optional<unsigned> number = stageNumber(options.stopAfter);
    if (!number)
      return error(noSuchStage(options.stopAfter)), failure();
    last = *number;
  }
  if (first == 0)
    addEnd(pm, kImport);
  for (unsigned i = std::max(first, 1u); i <= last; ++i) {
    const Stage &stage = stages()[i - 1];
    (target->*stage.build)(pm, options);
    addEnd(pm, stage.name);
  }
  return success();
}

LogicalResult mlir::marimba::runStages(
    ModuleOp module, const PipelineOptions &options,
    llvm::function_ref<LogicalResult(PassManager &)> prepare) {
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  // The pass end-stage verifies: behind every pass it costs too much.
  pm.enableVerifier(false);
  if (failed(buildPipeline(pm, options, [&](const llvm::Twine &text) {
        module.emitError(text);
      })))
    return failure();
  if (prepare && failed(prepare(pm)))
    return failure();
  return pm.run(module);
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void mlir::marimba::registerPipelineDialects(DialectRegistry &registry) {
  registry.insert<MarimbaDialect, rt::RuntimeDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, cf::ControlFlowDialect,
                  func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect,
                  vector::VectorDialect>();
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
  vector::registerBufferizableOpInterfaceExternalModels(registry);
  for (const Target *target : targets())
    target->registerDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

/// Shows the options of a pipeline in the help of marimba-opt.
static void
showOptions(llvm::function_ref<void(const mlir::detail::PassOptions &)> show) {
  show(PipelineOptions());
}

/// `--marimba-<target>-pipeline`: all stages, of this target.
static void registerWholePipeline(const Target &target) {
  registerPassPipeline(
      ("marimba-" + target.name() + "-pipeline").str(),
      ("All stages: " + target.summary()).str(),
      [&target](OpPassManager &pm, StringRef text,
                function_ref<LogicalResult(const Twine &)> fail) {
        PipelineOptions options;
        options.target = target.name().str();
        if (failed(options.parseFromString(text)))
          return failure();
        if (options.target != target.name())
          return fail("expected target=" + target.name() + ", found " +
                      options.target);
        return buildPipeline(pm, options,
                             [&](const Twine &error) { (void)fail(error); });
      },
      showOptions);
}

/// `--marimba-stage-<name>`: one stage, of the target that the options name.
static void registerStage(const Stage &stage) {
  registerPassPipeline(
      ("marimba-stage-" + stage.name).str(), stage.summary,
      [&stage](OpPassManager &pm, StringRef text,
               function_ref<LogicalResult(const Twine &)> fail) {
        PipelineOptions options;
        if (failed(options.parseFromString(text)))
          return failure();
        const Target *target = findTarget(options.target);
        if (!target)
          return fail(noSuchTarget(options.target));
        (target->*stage.build)(pm, options);
        return success();
      },
      showOptions);
}

void mlir::marimba::registerPipelines() {
  registerMarimbaPasses();
  registerMarimbaCommonLoweringPasses();
  registerMarimbaTargetPasses();
  for (const Target *target : targets()) {
    target->registerPasses();
    registerWholePipeline(*target);
  }
  for (const Stage &stage : stages())
    registerStage(stage);
}
