//===- Pipelines.h - The order of things ------------------------*- C++ -*-===//
//
// Part of Marimba. The only place that knows in which order stages run, and
// which targets there are: a target brings the passes of each stage. Stages
// have names: the driver can stop after any of them and print the IR, and dumps
// are numbered by them.
//
//===----------------------------------------------------------------------===//

#ifndef MARIMBA_LOWERING_PIPELINES_H
#define MARIMBA_LOWERING_PIPELINES_H

#include "lowering/Target/PipelineOptions.h"
#include "lowering/Target/Target.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <optional>
#include <string>

namespace mlir {
class DialectRegistry;
class ModuleOp;
class OpPassManager;
class PassManager;

namespace marimba {

/// All targets; the first is what is compiled for where nothing is said.
llvm::ArrayRef<const Target *> targets();

/// The target of this name, or null.
const Target *findTarget(llvm::StringRef name);

/// One stage: a name for people and what a target makes it of.
struct Stage {
  llvm::StringRef name;
  llvm::StringRef summary;
  void (Target::*build)(OpPassManager &, const PipelineOptions &) const;
};

/// All stages in order. Before the first one the IR is that of `import`.
llvm::ArrayRef<Stage> stages();

/// What is there before the first stage has a name as if it were one.
inline constexpr llvm::StringRef kImport = "import";

/// 0 for import, 1 for the first stage; nothing where there is none so named.
std::optional<unsigned> stageNumber(llvm::StringRef name);

/// The errors about names that nothing has; they list what there is.
std::string noSuchTarget(llvm::StringRef name);
std::string noSuchStage(llvm::StringRef name);

/// Adds the passes of the stages that `options` ask for to a pipeline of
/// modules, end-stage behind each. An unknown target or stage goes to `error`.
LogicalResult
buildPipeline(OpPassManager &pm, const PipelineOptions &options,
              llvm::function_ref<void(const llvm::Twine &)> error);

/// Runs that pipeline in one pass manager. `prepare` may add instrumentations
/// to it (StageInstrumentation hears where stages end). Errors are diagnostics
/// of the context.
LogicalResult
runStages(ModuleOp module, const PipelineOptions &options,
          llvm::function_ref<LogicalResult(PassManager &)> prepare = {});

/// Registers every dialect, external model and translation the stages use.
void registerPipelineDialects(DialectRegistry &registry);

/// Makes known to marimba-opt: all passes of passes/ and lowering/,
/// `--marimba-<target>-pipeline`, and each stage as `--marimba-stage-<name>`.
void registerPipelines();

} // namespace marimba
} // namespace mlir

#endif // MARIMBA_LOWERING_PIPELINES_H
