//===- Compile.cpp - marimba compile --------------------------------------===//
//
// Part of Marimba. A model or a file of IR to IR, assembly or an object file; a
// model to a package.
//
//===----------------------------------------------------------------------===//

#include "marimba/OutputPath.h"
#include "tools/libmarimba/PackageWriter.h"
#include "tools/marimba/CompileFlags.h"
#include "tools/marimba/MovedOptions.h"

#include "marimba/NewFile.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <unistd.h>

using namespace marimba;
using namespace llvm;
using mlir::marimba::EmitKind;
using mlir::marimba::Stage;

namespace {
enum class Emit { MLIR, LLVM, Assembly, Object, Package };

struct Options {
  cl::SubCommand sub{"compile", "Compiles a model or a file of IR"};
  cl::opt<std::string> input{cl::Positional, cl::desc("MODEL|FILE.mlir"),
                             cl::sub(sub)};
  cl::opt<Emit> emit{
      "emit",
      cl::desc("What to write"),
      cl::init(Emit::MLIR),
      cl::values(clEnumValN(Emit::MLIR, "mlir", "MLIR (default)"),
                 clEnumValN(Emit::LLVM, "llvm", "LLVM IR"),
                 clEnumValN(Emit::Assembly, "asm", "assembly"),
                 clEnumValN(Emit::Object, "obj", "an object file"),
                 clEnumValN(Emit::Package, "package",
                            "a folder with code that loads without the "
                            "compiler (docs/packages.md)")),
      cl::sub(sub),
      cl::cat(driver::category())};
  driver::Value<std::string> output{sub, "o", "Output file ('-': stdout)",
                                    "file", "-"};
  driver::Value<std::string> stopAfter{
      sub, "stop-after", "Stops after this stage (with --emit=mlir)", "stage"};
  driver::Flag listStages{sub, "list-stages", "Lists the stages"};
  driver::Flag listTargets{sub, "list-targets",
                           "Lists what code can be made for (--target)"};
  driver::Value<std::string> targetCpu{
      sub, "target-cpu",
      "Processor to compile for, as LLVM names it (default: the host's)",
      "name"};
  driver::Number<unsigned> threads{
      sub,
      "threads",
      "Threads that the code will run on (default: 1)",
      "n",
      driver::kThreadBounds,
      1};
  driver::Flag remarks{sub, "remarks",
                       "Says on stderr what computes each projection, and why"};
  driver::CompileFlags compile{sub};
};
} // namespace

static Options &options() {
  static Options instance;
  return instance;
}

static int listStages() {
  outs() << formatv("{0,-16} {1}\n", mlir::marimba::kImport,
                    "a model directory or a file becomes a module");
  for (const Stage &stage : mlir::marimba::stages())
    outs() << formatv("{0,-16} {1}\n", stage.name, stage.summary);
  return 0;
}

static int listTargets() {
  for (const mlir::marimba::Target *target : mlir::marimba::targets())
    outs() << formatv("{0,-16} {1}\n", target->name(), target->summary());
  return 0;
}

/// Prints an error and returns false where there is no stage of this name.
static bool checkStage(StringRef name) {
  if (name.empty() || mlir::marimba::stageNumber(name))
    return true;
  driver::fail("--stop-after: " + mlir::marimba::noSuchStage(name));
  return false;
}

static int run() {
  const Options &o = options();
  if (o.listStages)
    return listStages();
  if (o.listTargets)
    return listTargets();
  if (o.input.empty())
    return driver::fail("compile: expected MODEL or FILE.mlir");
  if (!checkStage(o.stopAfter))
    return 1;
  if (o.emit != Emit::MLIR && o.stopAfter.given())
    return driver::fail("--stop-after: goes with --emit=mlir only");
  if (o.emit == Emit::Object && o.output == "-" && isatty(STDOUT_FILENO))
    return driver::fail("--emit=obj: binary; name a file with -o");
  if (o.emit == Emit::Package && o.output == "-")
    return driver::fail("--emit=package: a folder; name it with -o");
  std::optional<CompileOptions> compile = o.compile.compileOptions(o.targetCpu);
  if (!compile)
    return 1;
  compile->pipeline.threads = o.threads;
  compile->remarks = o.remarks;
  compile->instrument = driver::applyPassManagerOptions;

  std::string error;
  if (o.emit == Emit::Package) {
    std::vector<std::string> notes;
    bool done = writePackage(o.input, *compile, o.output, notes, error);
    llvm::for_each(notes, driver::printNote);
    return done ? 0 : driver::fail(error);
  }
  if (!rt::checkOutput(o.output, {o.input}, o.input, error) ||
      (rt::outputKind(o.output) == rt::OutputKind::File &&
       !rt::canReplace(o.output, error)))
    return driver::fail(error);
  std::unique_ptr<Compilation> compilation =
      Compilation::create(o.input, *compile, error);
  if (!compilation)
    return driver::fail(error);
  if (compilation->imported())
    llvm::for_each(compilation->imported()->info.notes, driver::printNote);
  if (!compilation->lower(o.stopAfter, error))
    return driver::fail(error);
  if (o.emit == Emit::MLIR)
    return driver::writeFile(o.output, compilation->print());
  EmitKind kind = o.emit == Emit::LLVM       ? EmitKind::LLVM
                  : o.emit == Emit::Assembly ? EmitKind::Assembly
                                             : EmitKind::Object;
  SmallVector<char, 0> result;
  if (!compilation->emit(kind, result, error))
    return driver::fail(error);
  return driver::writeFile(o.output, StringRef(result.data(), result.size()));
}

driver::Command driver::makeCompileCommand() { return {&options().sub, run}; }
