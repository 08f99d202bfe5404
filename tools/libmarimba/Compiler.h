//===- Compiler.h - A model or a file to machine code -----------*- C++ -*-===//
//
// Part of Marimba. Drives the importer, the stages of lowering/Pipelines.h and
// the code generator. Needs no weights.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_TOOLS_LIBMARIMBA_COMPILER_H
#define MARIMBA_TOOLS_LIBMARIMBA_COMPILER_H

#include "importer/Importer.h"
#include "lowering/Pipelines.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace mlir {
class PassManager;
} // namespace mlir

namespace marimba {

namespace rt {
struct Unit;
} // namespace rt

/// Hears what starts now and which fraction of the work is behind.
using ProgressFn =
    llvm::function_ref<void(double fraction, llvm::StringRef what)>;

/// The type that projections multiply in. Automatic is bf16 where the target
/// has instructions for it and the checkpoint stores bf16, otherwise f32; and
/// for prompts times quantised weights where bytes would be slower.
enum class ComputeType { Automatic, F32, BF16 };

/// What attention keeps keys and values as. Automatic is the type that
/// projections multiply in.
enum class KeyValues { Automatic, F32, BF16, Int8 };

/// How a model is compiled.
struct CompileOptions {
  /// Facts of the machine (`vectorBits` where it has no value) and `bf16`
  /// follow from the target and the fields below.
  mlir::marimba::PipelineOptions pipeline;
  mlir::marimba::TargetOptions target;
  /// What code and library are limited to, by limitToUnit() (Isa.h); null: all
  /// that the target has.
  const rt::Unit *unit = nullptr;
  /// Its `keyValues` follows, too.
  mlir::marimba::ImportOptions import;
  ComputeType computeType = ComputeType::Automatic;
  KeyValues keyValues = KeyValues::Automatic;
  /// Whether passes say on stderr why they chose what they chose.
  bool remarks = false;
  /// Folder for one file of IR per stage; empty for none.
  std::string dumpDir;
  /// Called with the pass manager of all stages before it runs: timing,
  /// printing and whatever else instruments passes. Errors are diagnostics.
  std::function<mlir::LogicalResult(mlir::PassManager &)> instrument;
};

/// One module on its way from the model dialect to machine code. Functions that
/// can fail return false (or null) and set `error`, ready to be shown after
/// "error: ".
class Compilation {
public:
  /// Imports a model directory, or parses a file of IR (`*.mlir`, or "-").
  static std::unique_ptr<Compilation> create(llvm::StringRef input,
                                             const CompileOptions &options,
                                             std::string &error);

  /// Imports a model directory only: imported() is not null.
  static std::unique_ptr<Compilation>
  createFromModel(llvm::StringRef modelDir, const CompileOptions &options,
                  std::string &error);

  /// Whether `input` names a file of IR and not a model directory.
  static bool isIRFile(llvm::StringRef input);

  /// Runs the stages up to and including `stopAfter`, all where it is empty.
  bool lower(llvm::StringRef stopAfter, std::string &error,
             ProgressFn progress = {});

  /// LLVM IR, assembly or an object file of the module after all stages.
  bool emit(mlir::marimba::EmitKind kind, llvm::SmallVectorImpl<char> &result,
            std::string &error);

  /// The module as text, without locations.
  std::string print();

  mlir::ModuleOp module() { return *moduleRef; }

  /// Frees the module and its context, once all code is made. What the importer
  /// found stays.
  void dropModule() {
    moduleRef = {};
    context.reset();
  }

  /// Whether projections multiply bf16.
  bool usesBF16() const { return compileOptions.pipeline.bf16; }

  /// Whether many rows multiply bytes where weights allow it.
  bool usesIntegers() const {
    return compileOptions.pipeline.prefillsInBytes();
  }

  /// The options, with the facts of the machine.
  const CompileOptions &options() const { return compileOptions; }

  /// What the importer found; null for a file of IR.
  const mlir::marimba::ImportedModel *imported() const {
    return model ? &*model : nullptr;
  }

private:
  Compilation(const CompileOptions &options,
              const mlir::marimba::Target &target);
  bool load(llvm::StringRef input, std::string &error);

  const mlir::marimba::Target &target;
  CompileOptions compileOptions;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> moduleRef;
  std::optional<mlir::marimba::ImportedModel> model;
};

} // namespace marimba

#endif // MARIMBA_TOOLS_LIBMARIMBA_COMPILER_H
