//===- Compiler.cpp - A model or a file to machine code -------------------===//
//
// Part of Marimba.
//
//===----------------------------------------------------------------------===//

#include "tools/libmarimba/Compiler.h"

#include "dialects/Marimba/IR/Marimba.h"
#include "marimba/Library.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "tools/libmarimba/Diagnostics.h"
#include "tools/libmarimba/ModuleRules.h"
#include "tools/libmarimba/SourceNesting.h"

#include "marimba/InputFile.h"
#include "marimba/NewFile.h"
#include "marimba/TextFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace marimba;
using namespace llvm;
using mlir::marimba::EmitKind;
using mlir::marimba::KeyValueType;
using mlir::marimba::Stage;

/// Whether products are of bf16 where the checkpoint stores it.
static bool mayMultiplyBF16(const CompileOptions &options) {
  return options.computeType == ComputeType::Automatic &&
         options.pipeline.bf16Dots && !options.pipeline.reference;
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

/// What oneDNN will do: on this machine it says so itself, on another it may
/// use all that there is.
static void askLibrary(mlir::marimba::PipelineOptions &pipeline,
                       const mlir::marimba::TargetOptions &target) {
  if (!target.cpu.empty() || !target.features.empty()) {
    pipeline.libraryBlocks = mlir::marimba::preferredVectorBits(target) >= 512;
    pipeline.libraryBytes = pipeline.libraryBlocks && pipeline.integerDots;
    return;
  }
  rt::LibraryUnits units = rt::libraryUnits();
  pipeline.bf16Dots &= units.bf16;
  pipeline.libraryBlocks = units.f32;
  pipeline.libraryBytes = units.bytes;
}

Compilation::Compilation(const CompileOptions &options)
    : compileOptions(options) {
  compileOptions.pipeline.vectorBits =
      options.vectorBits ? options.vectorBits
                         : mlir::marimba::preferredVectorBits(options.target);
  compileOptions.pipeline.bf16Dots = mlir::marimba::hasBF16Dots(options.target);
  compileOptions.pipeline.integerDots =
      mlir::marimba::hasIntegerDots(options.target);
  askLibrary(compileOptions.pipeline, options.target);
  compileOptions.pipeline.bf16 = options.computeType == ComputeType::BF16;
  compileOptions.import.keyValues = keyValuesFor(compileOptions);
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
  std::unique_ptr<Compilation> result(new Compilation(options));
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
    error = errors.text((input + ": not a module of MLIR").str());
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
  if (mayMultiplyBF16(compileOptions))
    compileOptions.pipeline.bf16 = model->info.storesBF16;
  return true;
}

bool Compilation::lower(StringRef stopAfter, std::string &error,
                        ProgressFn progress) {
  ArrayRef<Stage> stages = mlir::marimba::stages();
  std::optional<RemarkPrinter> remarks;
  if (compileOptions.remarks)
    remarks.emplace(*context);
  ErrorCollector errors(*context);
  StringRef running = "import";
  auto afterStage = [&](unsigned index, StringRef name) -> mlir::LogicalResult {
    if (!compileOptions.dumpDir.empty() && !dump(index, name, error))
      return mlir::failure();
    running = index < stages.size() ? stages[index].name : name;
    if (progress)
      progress(double(index) / stages.size(), running);
    return mlir::success();
  };
  if (mlir::succeeded(mlir::marimba::runStages(
          module(), compileOptions.pipeline, stopAfter, afterStage)))
    return true;
  if (error.empty())
    error = errors.text(("stage " + running + " failed").str());
  return false;
}

bool Compilation::dump(unsigned index, StringRef stage, std::string &error) {
  SmallString<128> path(compileOptions.dumpDir);
  std::error_code code = sys::fs::create_directories(path);
  if (code) {
    error = (path + ": " + code.message()).str();
    return false;
  }
  sys::path::append(path, formatv("{0,0+2}-{1}.mlir", index, stage).str());
  std::string text, problem;
  raw_string_ostream os(text);
  mlir::OpPrintingFlags flags;
  flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
  flags.printNameLocAsPrefix();
  module().print(os, flags);
  os << '\n';
  if (rt::writeWhole(path.str().str(), text, problem))
    return true;
  error = (path + ": " + problem).str();
  return false;
}

bool Compilation::emit(EmitKind kind, SmallVectorImpl<char> &result,
                       std::string &error) {
  ErrorCollector errors(*context);
  raw_svector_ostream os(result);
  Error failure =
      mlir::marimba::emit(module(), kind, compileOptions.target, os);
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
