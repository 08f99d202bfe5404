//===- Compiler.cpp - A model or a file to machine code -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Compiler.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "lowering/Target/StageInstrumentation.h"
#include "marimba/Units.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "tools/libmarimba/Diagnostics.h"
#include "tools/libmarimba/MachineFacts.h"
#include "tools/libmarimba/ModuleRules.h"
#include "tools/libmarimba/SourceNesting.h"
#include "tools/libmarimba/StageDump.h"

#include "marimba/InputFile.h"
#include "marimba/TextFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::EmitKind;
using mlir::marimba::KeyValueType;
using mlir::marimba::PipelineOptions;
using mlir::marimba::Stage;

/// Whether products are of bf16 where the checkpoint stores it.
static bool mayMultiplyBF16(const CompileOptions &options) {
  return options.computeType == ComputeType::Automatic &&
         options.pipeline.bf16Dots;
}

/// What the importer is asked for, where `options` have what the target can do.
static KeyValueType keyValuesFor(const CompileOptions &options) {
  switch (options.keyValues) {
  case KeyValues::F32:
    return KeyValueType::F32;
  case KeyValues::BF16:
    return KeyValueType::BF16;
  case KeyValues::Int8:
    return KeyValueType::Int8;
  case KeyValues::Automatic:
    break;
  }
  if (options.computeType == ComputeType::BF16)
    return KeyValueType::BF16;
  return mayMultiplyBF16(options) ? KeyValueType::AsStored : KeyValueType::F32;
}

/// Whether code is for this machine.
static bool isHost(const mlir::marimba::TargetOptions &machine) {
  return machine.cpu.empty() && machine.features.empty();
}

/// Leaves all products to generated code where some would be computed by the
/// library's reference implementation, and asks no table then; returns what a
/// user who asked for the library, or gave a table, should know of it.
static std::string avoidReferences(CompileOptions &options) {
  using mlir::marimba::MatmulRoute;
  PipelineOptions &pipeline = options.pipeline;
  MatmulRoute route = pipeline.matmul;
  if ((route != MatmulRoute::OneDNN && route != MatmulRoute::Automatic) ||
      !isHost(options.target) || rt::libraryMultiplies())
    return {};
  pipeline.matmul = MatmulRoute::Generated;
  if (route == MatmulRoute::Automatic && pipeline.matmulTable.empty())
    return {};
  return "oneDNN has only its reference implementation of some products with " +
         rt::libraryInstructions() +
         ": generated kernels compute all of them (--matmul=generated)";
}

Compilation::Compilation(const CompileOptions &options,
                         const mlir::marimba::Target &target)
    : target(target), compileOptions(options) {
  addMachineFacts(target, options.target, compileOptions.pipeline);
  compileOptions.pipeline.bf16 = options.computeType == ComputeType::BF16;
  compileOptions.pipeline.bf16ForBytes =
      options.computeType == ComputeType::Automatic;
  compileOptions.import.keyValues = keyValuesFor(compileOptions);
  // Matrices that are read where they are need no stack to be copied into.
  if (auto fewest = compileOptions.pipeline.fewestGroupedExperts())
    compileOptions.import.apartExpertsFrom = *fewest;
  mlir::DialectRegistry registry;
  mlir::marimba::registerPipelineDialects(registry);
  // One thread: a pool would compete with the team that runs the model, and
  // modules are small (one function per kind of layer).
  context = std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  context->printOpOnDiagnostic(false); // messages are for users
}

bool Compilation::isIRFile(StringRef input) {
  return input == "-" || input.ends_with(".mlir");
}

std::unique_ptr<Compilation> Compilation::create(StringRef input,
                                                 const CompileOptions &options,
                                                 std::string &error) {
  const mlir::marimba::Target *target =
      mlir::marimba::findTarget(options.pipeline.target);
  if (!target) {
    error = mlir::marimba::noSuchTarget(options.pipeline.target);
    return nullptr;
  }
  std::unique_ptr<Compilation> result(new Compilation(options, *target));
  if (!result->load(input, error))
    return nullptr;
  return result;
}

std::unique_ptr<Compilation>
Compilation::createFromModel(StringRef modelDir, const CompileOptions &options,
                             std::string &error) {
  if (!isIRFile(modelDir))
    return create(modelDir, options, error);
  error =
      (modelDir + ": expected a model directory or a GGUF file, found a file")
          .str();
  return nullptr;
}

/// A file, or stdin for "-".
static std::unique_ptr<MemoryBuffer> readIR(StringRef input,
                                            std::string &error) {
  std::string problem, name = input == "-" ? "<stdin>" : input.str();
  std::optional<std::string> text =
      input == "-" ? rt::readInput("-", problem)
                   : rt::readWhole(name, rt::kLongestText, problem);
  if (text)
    return MemoryBuffer::getMemBufferCopy(*text, name);
  error = name + ": " + problem;
  return nullptr;
}

/// Before anything folds.
static mlir::LogicalResult writeResults(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext(),
                           mlir::ModuleOp::getOperationName());
  passes.addNestedPass<mlir::func::FuncOp>(mlir::marimba::createWriteResults());
  return passes.run(module);
}

bool Compilation::load(StringRef input, std::string &error) {
  std::string libraryNote = avoidReferences(compileOptions);
  ErrorCollector errors(*context);
  // Its nesting could not be bounded before it is read.
  error = checkFileIsText(input);
  if (!error.empty())
    return false;
  if (isIRFile(input)) {
    std::unique_ptr<MemoryBuffer> text = readIR(input, error);
    if (!text)
      return false;
    error = checkIsText(text->getBuffer(), text->getBufferIdentifier());
    if (!error.empty())
      return false;
    error = checkSourceNesting(text->getBuffer(), text->getBufferIdentifier());
    if (!error.empty())
      return false;
    auto sources = std::make_shared<SourceMgr>();
    sources->AddNewSourceBuffer(std::move(text), SMLoc());
    mlir::ParserConfig config(context.get());
    moduleRef = mlir::parseSourceFile<mlir::ModuleOp>(sources, config);
    if (moduleRef && mlir::succeeded(checkModuleRules(*moduleRef)) &&
        mlir::succeeded(writeResults(*moduleRef)))
      return true;
    error = errors.text((input + ": is not an MLIR module").str());
    return false;
  }
  std::string message;
  mlir::FailureOr<mlir::marimba::ImportedModel> imported =
      mlir::marimba::importModel(
          *context, input, compileOptions.import, [&](const Twine &text) {
            // Every bad field of a configuration is reported.
            message += (message.empty() ? "" : "\nerror: ") + text.str();
          });
  if (mlir::failed(imported)) {
    error = !message.empty() ? message
                             : errors.text((input + ": cannot import").str());
    return false;
  }
  moduleRef = std::move(imported->module);
  model = std::move(*imported);
  if (!libraryNote.empty())
    model->info.notes.push_back(std::move(libraryNote));
  if (mayMultiplyBF16(compileOptions))
    compileOptions.pipeline.bf16 = model->info.storesBF16;
  return true;
}

namespace {
/// Says which stage runs now, and which fraction is behind.
class StageProgress : public mlir::marimba::StageInstrumentation {
public:
  StageProgress(StringRef &running, ProgressFn progress)
      : running(running), progress(progress) {}

  mlir::LogicalResult stageEnded(StringRef stage, mlir::ModuleOp) override {
    ArrayRef<Stage> stages = mlir::marimba::stages();
    unsigned behind = mlir::marimba::stageNumber(stage).value_or(0);
    if (behind < stages.size())
      running = stages[behind].name;
    if (progress)
      progress(double(behind) / stages.size(), running);
    return mlir::success();
  }

private:
  StringRef &running;
  ProgressFn progress;
};
} // namespace

bool Compilation::lower(StringRef stopAfter, std::string &error,
                        ProgressFn progress) {
  std::optional<RemarkPrinter> remarks;
  if (compileOptions.remarks)
    remarks.emplace(*context);
  ErrorCollector errors(*context);
  PipelineOptions pipeline = compileOptions.pipeline;
  pipeline.stopAfter = stopAfter.str();
  StringRef running = mlir::marimba::kImport;
  auto prepare = [&](mlir::PassManager &passes) -> mlir::LogicalResult {
    if (!compileOptions.dumpDir.empty())
      passes.addInstrumentation(
          std::make_unique<StageDump>(compileOptions.dumpDir, error));
    passes.addInstrumentation(
        std::make_unique<StageProgress>(running, progress));
    // Last: it may time all others.
    return compileOptions.instrument ? compileOptions.instrument(passes)
                                     : mlir::success();
  };
  if (mlir::succeeded(mlir::marimba::runStages(module(), pipeline, prepare)))
    return true;
  if (error.empty())
    error = errors.text(("stage " + running + " failed").str());
  return false;
}

bool Compilation::emit(EmitKind kind, SmallVectorImpl<char> &result,
                       std::string &error) {
  ErrorCollector errors(*context);
  raw_svector_ostream os(result);
  Error failure = target.emit(module(), kind, compileOptions.target, os);
  if (!failure)
    return true;
  error = errors.text(toString(std::move(failure)));
  return false;
}

std::string Compilation::print() {
  std::string text;
  raw_string_ostream os(text);
  // %in_proj instead of %arg5: names are in the locations.
  module().print(os, mlir::OpPrintingFlags().printNameLocAsPrefix());
  os << '\n';
  return text;
}
